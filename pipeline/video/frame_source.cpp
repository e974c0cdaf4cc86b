#include "pipeline/video/frame_source.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <glob.h>
#include <memory>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "nn/core/counted.h"
#include "nn/core/shown_text.h"
#include "nn/core/walk_folder.h"
#include "pipeline/images/image_io.h"
#include "pipeline/video/capture_source.h"
#include "pipeline/video/content.h"
#include "pipeline/video/ffmpeg/ffmpeg.h"
#include "pipeline/video/ffmpeg_source.h"
#include "pipeline/video/image_source.h"

namespace zoo::pipeline {
namespace fs = std::filesystem;

namespace {

constexpr const char* kStandardInput = "/dev/stdin";

bool is_index(std::string_view text) {
  return !text.empty() && text.size() <= 4 &&
         std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c); });
}

/// "0" for "/dev/video0".
std::string camera_of_device(std::string_view text) {
  constexpr std::string_view kDevice = "/dev/video";
  if (!text.starts_with(kDevice) || !is_index(text.substr(kDevice.size()))) return "";
  return std::string(text.substr(kDevice.size()));
}

std::vector<fs::path> images_in(const fs::path& folder, WalkDepth depth) {
  FolderWalk walk = walk_folder(folder, depth);
  if (!walk.problems.empty()) throw IoError(walk.problems.front());
  const bool has_videos = std::ranges::any_of(walk.files, has_video_extension);
  std::erase_if(walk.files, [](const fs::path& file) { return !has_image_extension(file); });
  if (walk.files.empty()) {
    throw IoError(fmt::format("{}: the folder holds no images{}{}", folder.string(),
                              depth == WalkDepth::kThisFolder ? " (subfolders are searched with --recursive)" : "",
                              has_videos ? "; name its videos one by one" : ""));
  }
  return std::move(walk.files);
}

std::vector<fs::path> matches_of(const std::string& pattern) {
  glob_t found{};
  const int status = glob(pattern.c_str(), 0, nullptr, &found);
  const std::unique_ptr<glob_t, decltype(&globfree)> cleanup(&found, &globfree);
  if (status == GLOB_NOSPACE) throw IoError(fmt::format("{}: out of memory while matching the pattern", pattern));
  std::vector<fs::path> files;
  for (size_t i = 0; status == 0 && i < found.gl_pathc; ++i) {
    std::error_code error;
    const fs::path path = found.gl_pathv[i];
    if (!fs::is_directory(path, error)) files.push_back(path);
  }
  if (files.empty()) throw IoError(fmt::format("{}: no file matches this pattern", pattern));
  std::ranges::sort(files);
  return files;
}

/// Whether something is read once, from front to back: a pipe, a socket, a terminal.
bool is_pipe(const fs::path& file) {
  std::error_code error;
  const fs::file_type type = fs::status(file, error).type();
  return type == fs::file_type::fifo || type == fs::file_type::socket || type == fs::file_type::character;
}

/// Picture or video? What is neither is a picture that fails.
SourceKind kind_of(const fs::path& file) {
  if (is_pipe(file)) return SourceKind::kPipe;
  std::error_code error;
  const bool is_empty = fs::file_size(file, error) == 0 || error;
  if (!is_empty && (has_image_extension(file) ? begins_as_picture(file) : holds_picture(file))) {
    return SourceKind::kImages;
  }
  if (has_video_extension(file)) return SourceKind::kVideoFile;
  return !is_empty && ffmpeg::is_film(file) ? SourceKind::kVideoFile : SourceKind::kImages;
}

SourceSpec file_spec(const fs::path& file, const fs::path& root) {
  const SourceKind kind = kind_of(file);
  if (kind == SourceKind::kImages) return {kind, "", {file}, {root}};
  return {kind, file.string(), {}, {root}};
}

/// What precedes the first part of a pattern that holds a wildcard.
fs::path root_of_pattern(const std::string& pattern) {
  const std::string fixed = pattern.substr(0, pattern.find_first_of("*?["));
  const size_t slash = fixed.rfind('/');
  return slash == std::string::npos ? fs::path(".") : fs::path(fixed.substr(0, slash + 1));
}

std::vector<SourceSpec> resolve(const std::string& text, WalkDepth depth) {
  if (text.empty()) throw IoError("the source is empty");
  if (text == "-" || text == kStandardInput) {
    if (!is_pipe(kStandardInput)) return {file_spec(kStandardInput, ".")};
    return {{SourceKind::kPipe, "-", {}}};
  }
  if (text.starts_with("gst:")) return {{SourceKind::kGStreamer, text.substr(4), {}}};
  if (text.starts_with("file://")) return resolve(text.substr(std::strlen("file://")), depth);
  if (text.find("://") != std::string::npos) return {{SourceKind::kStream, text, {}}};
  if (is_index(text)) return {{SourceKind::kCamera, text, {}}};
  std::error_code error;
  if (fs::is_directory(text, error)) return {{SourceKind::kImages, "", images_in(text, depth), {text}}};
  if (const std::string camera = camera_of_device(text); !camera.empty()) return {{SourceKind::kCamera, camera, {}}};
  const fs::path folder = fs::path(text).has_parent_path() ? fs::path(text).parent_path() : fs::path(".");
  if (fs::exists(text, error)) return {file_spec(text, folder)};
  if (text.find_first_of("*?[") != std::string::npos) {
    std::vector<SourceSpec> specs;
    const fs::path root = root_of_pattern(text);
    for (const fs::path& file : matches_of(text)) specs.push_back(file_spec(file, root));
    return specs;
  }
  if (has_image_extension(text)) return {{SourceKind::kImages, "", {text}, {folder}}};
  throw IoError(fmt::format("{}: no such file or folder (nor a camera index, address or gst: pipeline)", text));
}

}  // namespace

bool has_video_extension(const fs::path& file) {
  static constexpr std::array<std::string_view, 33> kExtensions = {
      ".mp4", ".m4v",  ".mov", ".avi", ".mkv",  ".webm", ".mpg", ".mpeg",  ".ts",   ".mts",  ".m2ts",
      ".wmv", ".asf",  ".flv", ".ogv", ".3gp",  ".3g2",  ".gif", ".vob",   ".m2v",  ".mxf",  ".ivf",
      ".y4m", ".h264", ".264", ".avc", ".hevc", ".h265", ".265", ".mjpeg", ".mjpg", ".m3u8", ".nut"};
  std::string extension = file.extension().string();
  std::ranges::transform(extension, extension.begin(), [](unsigned char c) { return std::tolower(c); });
  return std::ranges::find(kExtensions, extension) != kExtensions.end();
}

std::vector<SourceSpec> resolve_sources(std::span<const std::string> specs, WalkDepth depth) {
  std::vector<SourceSpec> result;
  for (const std::string& text : specs) {
    for (SourceSpec& spec : resolve(text, depth)) {
      const bool joins = spec.kind == SourceKind::kImages && !result.empty() && result.back().kind == spec.kind;
      if (joins) {
        std::ranges::move(spec.images, std::back_inserter(result.back().images));
        if (result.back().roots.back() != spec.roots.back()) result.back().roots.push_back(spec.roots.back());
      } else {
        result.push_back(std::move(spec));
      }
    }
  }
  return result;
}

std::string name_of(const SourceSpec& spec) {
  switch (spec.kind) {
    case SourceKind::kGStreamer:
      return without_secrets("gst:" + spec.text);
    case SourceKind::kCamera:
      return fmt::format("camera {} (/dev/video{})", spec.text, spec.text);
    case SourceKind::kImages:
      return spec.images.size() == 1 ? spec.images.front().string() : counted(std::ssize(spec.images), "image");
    case SourceKind::kStream:
      return without_secrets(spec.text);
    case SourceKind::kPipe:
      return spec.text == "-" ? "standard input" : spec.text;
    case SourceKind::kVideoFile:
      break;
  }
  return spec.text;
}

std::string stem_of_address(const std::string& address) {
  std::string rest = without_secrets(address);
  rest.erase(std::min(rest.find_first_of("?#"), rest.size()));
  rest.erase(0, rest.find("://") + 3);
  std::string server = rest.substr(0, rest.find('/'));
  const std::string path = rest.substr(server.size());
  server.erase(0, server.rfind('@') + 1);  // npos + 1: nothing
  std::string stem = printable(path.empty() ? server : fs::path(path).stem().string());
  if (stem.empty()) stem = printable(server);
  std::ranges::replace(stem, ':', '_');
  return stem.empty() ? "stream" : stem;
}

std::string stem_of(const SourceSpec& spec) {
  switch (spec.kind) {
    case SourceKind::kCamera:
      return "camera" + spec.text;
    case SourceKind::kGStreamer:
      return "gst";
    case SourceKind::kStream:
      return stem_of_address(spec.text);
    case SourceKind::kImages:
      return spec.images.empty() ? "" : spec.images.front().stem().string();
    case SourceKind::kPipe:
      if (spec.text == "-") return "stdin";
      break;
    case SourceKind::kVideoFile:
      break;
  }
  return fs::path(spec.text).stem().string();
}

std::unique_ptr<FrameSource> open_source(const SourceSpec& spec, const ReadOptions& options) {
  switch (spec.kind) {
    case SourceKind::kImages:
      return std::make_unique<ImageSource>(spec.images);
    case SourceKind::kCamera:
    case SourceKind::kGStreamer:
      return open_capture(spec);
    case SourceKind::kVideoFile:
    case SourceKind::kStream:
    case SourceKind::kPipe:
      break;
  }
  return open_ffmpeg_source(spec, options);
}

std::unique_ptr<FrameSource> open_source(const std::string& spec, const ReadOptions& options) {
  const std::vector<SourceSpec> specs = resolve_sources({&spec, 1});
  if (specs.size() != 1) throw IoError(fmt::format("{}: means {} sources, one is expected", spec, specs.size()));
  return open_source(specs.front(), options);
}

std::optional<FrameSource::Pending> FrameSource::next_pending() {
  std::optional<FrameResult> result = next();
  if (!result) return std::nullopt;
  return [result = std::move(*result)]() mutable { return std::move(result); };
}

}  // namespace zoo::pipeline
