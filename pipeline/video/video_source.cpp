#include "pipeline/video/video_source.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include "nn/core/counted.h"
#include "nn/core/parse_number.h"
#include "nn/core/shown_text.h"
#include "nn/core/walk_folder.h"

namespace zoo::pipeline {
namespace fs = std::filesystem;
namespace {

constexpr int kOpenTimeoutMs = 10'000;
constexpr double kFallbackFps = 25.0;
constexpr int kMaxCamera = 9999;

/// Frames as a container states them are estimates (duration times rate), so a small difference says nothing.
bool falls_short(int64_t found, int64_t promised) { return promised - found > std::max<int64_t>(2, promised / 50); }

bool contains_any(const std::string& text, std::initializer_list<const char*> words) {
  return std::ranges::any_of(words, [&](const char* word) { return text.find(word) != std::string::npos; });
}

/// GStreamer knows whether a pipeline is live, but OpenCV does not pass it on.
bool is_live_pipeline(const std::string& description) {
  if (contains_any(description, {"is-live=true", "is-live=1", "is-live=True"})) return true;
  return !contains_any(description, {"filesrc", "videotestsrc", "uri=file:"});
}

std::string with_appsink(const std::string& description) {
  if (contains_any(description, {"appsink"})) return description;
  return description + " ! videoconvert ! video/x-raw,format=BGR ! appsink";
}

std::string cameras_found() {
  std::vector<std::string> names;
  for (const fs::path& file : walk_folder("/dev", WalkDepth::kThisFolder).files) {
    if (file.filename().string().starts_with("video")) names.push_back(file.string());
  }
  return names.empty() ? "no camera is attached" : fmt::format("there is {}", fmt::join(names, ", "));
}

/// cv::VideoCapture reports most problems by not being open, a few by throwing.
template <typename Open>
cv::VideoCapture opened(Open open) {
  try {
    return open();
  } catch (const cv::Exception&) {
    return {};
  }
}

cv::VideoCapture open_file(const fs::path& file) {
  return opened([&] { return cv::VideoCapture(file.string(), cv::CAP_FFMPEG); });
}

void fill_from(const cv::VideoCapture& capture, SourceInfo& info) {
  const double frames = capture.get(cv::CAP_PROP_FRAME_COUNT);
  if (std::isfinite(frames) && frames >= 1.0 && frames < 1e12) info.frames = std::llround(frames);
  const double fps = capture.get(cv::CAP_PROP_FPS);
  info.fps = std::isfinite(fps) && fps > 0.0 && fps <= 1000.0 ? fps : kFallbackFps;
}

std::unique_ptr<FrameSource> open_video_file(const SourceSpec& spec) {
  const fs::path file = spec.text;
  SourceInfo info{.kind = spec.kind, .name = name_of(spec), .stem = stem_of(spec)};
  std::error_code error;
  if (!fs::exists(file, error)) throw IoError(fmt::format("{}: no such file", info.name));
  if (fs::file_size(file, error) == 0) throw IoError(fmt::format("{}: the file is empty", info.name));
  cv::VideoCapture capture = open_file(file);
  if (!capture.isOpened()) {
    throw IoError(
        fmt::format("{}: not a video that FFmpeg can open (unknown format, truncated or damaged)", info.name));
  }
  fill_from(capture, info);
  return std::make_unique<VideoSource>(capture, std::move(info));
}

std::unique_ptr<FrameSource> open_camera(const SourceSpec& spec) {
  const std::optional<int> number = parse_number_in(spec.text, 0, kMaxCamera);
  if (!number) throw IoError(fmt::format("camera {}: expected its index, e.g. 0", spec.text));
  const int index = *number;
  const std::string device = fmt::format("/dev/video{}", index);
  SourceInfo info{.kind = spec.kind, .name = name_of(spec), .stem = stem_of(spec), .live = true};
  std::error_code error;
  if (!fs::exists(device, error)) {
    throw IoError(fmt::format("camera {}: there is no {} ({})", index, device, cameras_found()));
  }
  cv::VideoCapture capture = opened([&] { return cv::VideoCapture(index, cv::CAP_V4L2); });
  if (!capture.isOpened()) {
    throw IoError(
        fmt::format("{}: cannot be opened (in use by another program, no permission, or not a camera)", info.name));
  }
  fill_from(capture, info);
  info.frames.reset();
  return std::make_unique<VideoSource>(capture, std::move(info));
}

std::unique_ptr<FrameSource> open_gstreamer(const SourceSpec& spec) {
  const std::string description = with_appsink(spec.text);
  SourceInfo info{
      .kind = spec.kind, .name = name_of(spec), .stem = stem_of(spec), .live = is_live_pipeline(description)};
  cv::VideoCapture capture = opened([&] { return cv::VideoCapture(description, cv::CAP_GSTREAMER); });
  if (!capture.isOpened()) {
    throw IoError(fmt::format(
        "{}: GStreamer cannot start this pipeline; try it with `gst-launch-1.0`, and see GST_DEBUG=3", info.name));
  }
  fill_from(capture, info);
  if (info.live) info.frames.reset();
  return std::make_unique<VideoSource>(capture, std::move(info));
}

std::unique_ptr<FrameSource> open_stream(const SourceSpec& spec) {
  SourceInfo info{.kind = spec.kind, .name = name_of(spec), .stem = stem_of(spec)};
  const std::vector<int> timeout = {cv::CAP_PROP_OPEN_TIMEOUT_MSEC, kOpenTimeoutMs};
  cv::VideoCapture capture = opened([&] { return cv::VideoCapture(spec.text, cv::CAP_FFMPEG, timeout); });
  if (!capture.isOpened()) {
    throw IoError(fmt::format("{}: FFmpeg cannot open this address (unreachable, refused, or no video)", info.name));
  }
  fill_from(capture, info);
  static constexpr std::array<std::string_view, 5> kLive = {"rtsp", "rtmp", "udp://", "rtp://", "srt://"};
  info.live = !info.frames ||
              std::ranges::any_of(kLive, [&](std::string_view scheme) { return spec.text.starts_with(scheme); });
  if (info.live) info.frames.reset();
  return std::make_unique<VideoSource>(capture, std::move(info));
}

/// GStreamer pipelines that end in the user's own appsink deliver what they like.
cv::Mat to_bgr(cv::Mat image, const std::string& name) {
  if (image.depth() == CV_8U && image.channels() == 3) return image;
  cv::Mat bgr;
  if (image.depth() == CV_8U && image.channels() == 1) {
    cv::cvtColor(image, bgr, cv::COLOR_GRAY2BGR);
  } else if (image.depth() == CV_8U && image.channels() == 4) {
    cv::cvtColor(image, bgr, cv::COLOR_BGRA2BGR);
  } else {
    throw IoError(fmt::format("{}: delivers {} channels of {}, expected 8-bit BGR, BGRA or grey", name,
                              image.channels(), cv::depthToString(image.depth())));
  }
  return bgr;
}

}  // namespace

VideoSource::VideoSource(const cv::VideoCapture& capture, SourceInfo info)
    : capture_(capture), info_(std::move(info)) {}

std::optional<FrameResult> VideoSource::next() {
  if (ended_) return std::nullopt;
  const Stopwatch watch;
  cv::Mat image;  // a new one each time: VideoCapture writes into the old one, which others may still read
  try {
    if (!capture_.read(image) || image.empty()) return at_end();
  } catch (const cv::Exception& error) {
    throw IoError(fmt::format("{}: reading frame {} failed: {}", info_.name, next_index_, error.err));
  }
  Frame frame{.image = to_bgr(std::move(image), info_.name), .source = info_.name, .index = next_index_++};
  frame.time_s = position_s(frame.index);
  frame.capture_ms = watch.elapsed_ms();
  return frame;
}

double VideoSource::position_s(int64_t index) const {
  if (info_.live) return since_opened_.elapsed_ms() / 1000.0;
  const double stamp_ms = capture_.get(cv::CAP_PROP_POS_MSEC);
  const bool usable = std::isfinite(stamp_ms) && (stamp_ms > 0.0 || index == 0);
  return usable ? std::max(stamp_ms, 0.0) / 1000.0 : static_cast<double>(index) / info_.fps;
}

std::optional<FrameResult> VideoSource::at_end() {
  ended_ = true;
  FrameFailure failure{.source = info_.name, .index = next_index_, .kind = FailureKind::kLost, .message = ""};
  if (next_index_ == 0) throw IoError(fmt::format("{}: holds no frame that can be decoded", info_.name));
  if (info_.kind == SourceKind::kCamera) {
    failure.message = fmt::format("{}: stopped after {} (unplugged?)", info_.name, counted(next_index_, "frame"));
    return failure;
  }
  if (info_.frames && falls_short(next_index_, *info_.frames)) {
    failure.kind = FailureKind::kTruncated;
    failure.message = fmt::format("{}: only {} of {} could be decoded (truncated or damaged)", info_.name, next_index_,
                                  counted(*info_.frames, "frame"));
    return failure;
  }
  return std::nullopt;
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
    case SourceKind::kVideoFile:
      break;
  }
  return fs::path(spec.text).stem().string();
}

std::unique_ptr<FrameSource> open_video_source(const SourceSpec& spec) {
  switch (spec.kind) {
    case SourceKind::kCamera:
      return open_camera(spec);
    case SourceKind::kGStreamer:
      return open_gstreamer(spec);
    case SourceKind::kStream:
      return open_stream(spec);
    case SourceKind::kVideoFile:
    case SourceKind::kImages:
      break;
  }
  return open_video_file(spec);
}

bool can_open_video(const fs::path& file) { return open_file(file).isOpened(); }

}  // namespace zoo::pipeline
