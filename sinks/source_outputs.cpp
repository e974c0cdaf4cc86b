#include "sinks/source_outputs.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

namespace zoo::sinks {
namespace fs = std::filesystem;
namespace {

fs::path full(const fs::path& path) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  return (error ? path : absolute).lexically_normal();
}

fs::path without_last_slash(const fs::path& folder) { return folder.has_filename() ? folder : folder.parent_path(); }

std::vector<fs::path> files_of(const pipeline::SourceSpec& spec) {
  if (spec.kind == pipeline::SourceKind::kVideoFile) return {spec.text};
  return spec.images;
}

/// The values of a pipeline's properties: `name=value`, `name="value with spaces"`.
std::vector<std::string> property_values(const std::string& pipeline) {
  std::vector<std::string> values;
  for (size_t at = pipeline.find('='); at != std::string::npos; at = pipeline.find('=', at + 1)) {
    size_t begin = pipeline.find_first_not_of(' ', at + 1);
    if (begin == std::string::npos) break;
    const bool quoted = pipeline[begin] == '"';
    if (quoted) ++begin;
    const size_t end = std::min(pipeline.find(quoted ? '"' : ' ', begin), pipeline.size());
    values.push_back(pipeline.substr(begin, end - begin));
  }
  return values;
}

/// Files by how they are to be placed.
class FilePlaces {
 public:
  explicit FilePlaces(std::span<const pipeline::SourceSpec> specs) {
    for (const pipeline::SourceSpec& spec : specs) {
      for (const fs::path& root : spec.roots) roots_.insert(without_last_slash(full(root)));
      for (const fs::path& file : files_of(spec)) files_.emplace(file.string(), full(file));
    }
  }

  std::map<std::string, fs::path> places() const {
    std::map<std::string, fs::path> places;
    std::map<fs::path, fs::path> taken;
    bool unique = true;
    for (const auto& [source, file] : files_) {
      fs::path place = file.lexically_relative(root_of(file));
      unique = taken.emplace(place, file).first->second == file && unique;
      places.emplace(source, std::move(place));
    }
    if (unique) return places;
    const fs::path shared = shared_folder();
    for (auto& [source, place] : places) place = files_.at(source).lexically_relative(shared);
    return places;
  }

 private:
  /// The nearest folder above that the user named, else the file's own.
  fs::path root_of(const fs::path& file) const {
    for (fs::path folder = file.parent_path();; folder = folder.parent_path()) {
      if (roots_.contains(folder)) return folder;
      if (!folder.has_relative_path()) return file.parent_path();
    }
  }

  fs::path shared_folder() const {
    fs::path shared = files_.begin()->second.parent_path();
    for (const auto& [source, file] : files_) {
      const fs::path folder = file.parent_path();
      const auto [mine, its] = std::mismatch(shared.begin(), shared.end(), folder.begin(), folder.end());
      fs::path common;
      for (auto part = shared.begin(); part != mine; ++part) common /= *part;
      shared = std::move(common);
    }
    return shared;
  }

  std::set<fs::path> roots_;
  std::map<std::string, fs::path> files_;  ///< full paths, by path as the user wrote it
};

}  // namespace

void add_sources(std::span<const pipeline::SourceSpec> specs, RunFiles& run) {
  for (const pipeline::SourceSpec& spec : specs) {
    for (const fs::path& file : files_of(spec)) run.add_source(file);
    if (spec.kind != pipeline::SourceKind::kGStreamer) continue;
    for (std::string value : property_values(spec.text)) {
      constexpr std::string_view kFile = "file://";
      if (value.starts_with(kFile)) value.erase(0, kFile.size());
      run.add_input(value, "a file of the GStreamer pipeline");
    }
  }
}

SourceOutputs::SourceOutputs(std::span<const pipeline::SourceSpec> specs) : places_(FilePlaces(specs).places()) {
  std::map<std::string, int> met;
  for (size_t i = 0; i < specs.size(); ++i) {
    const pipeline::SourceSpec& spec = specs[i];
    if (spec.kind == pipeline::SourceKind::kImages) continue;
    if (spec.kind == pipeline::SourceKind::kVideoFile) {
      videos_[i] = {spec.text, places_.at(spec.text)};
      continue;
    }
    // Stems may hold dots; the extension keeps what is behind them.
    const int number = ++met[pipeline::name_of(spec)];
    videos_[i] = number == 1 ? Video{pipeline::name_of(spec), pipeline::stem_of(spec) + ".mp4"}
                             : Video{fmt::format("{} {}", pipeline::name_of(spec), number),
                                     fmt::format("{}-{}.mp4", pipeline::stem_of(spec), number)};
  }
}

OutputWish SourceOutputs::of_picture(const std::string& source, const std::string& ending) const {
  const auto place = places_.find(source);
  return {source, place != places_.end() ? place->second : fs::path(source).filename(), ending, false};
}

OutputWish SourceOutputs::of_video(size_t spec, const std::string& ending, bool numbered) const {
  const Video& video = videos_.at(spec);
  return {video.input, video.place, ending, numbered};
}

}  // namespace zoo::sinks
