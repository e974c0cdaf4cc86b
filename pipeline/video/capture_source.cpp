#include "pipeline/video/capture_source.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include "nn/core/counted.h"
#include "nn/core/parse_number.h"
#include "nn/core/stopwatch.h"
#include "nn/core/walk_folder.h"
#include "pipeline/video/capture_module.h"
#include "pipeline/video/gstreamer_check.h"

namespace zoo::pipeline {
namespace fs = std::filesystem;
namespace {

constexpr double kFallbackFps = 25.0;
constexpr int kMaxCamera = 9999;

bool contains_any(const std::string& text, std::initializer_list<const char*> words) {
  return std::ranges::any_of(words, [&](const char* word) { return text.find(word) != std::string::npos; });
}

/// GStreamer knows whether a pipeline is live, but OpenCV does not pass it on.
bool is_live_pipeline(const std::string& description) {
  if (contains_any(description, {"is-live=true", "is-live=1", "is-live=True"})) return true;
  return !contains_any(description, {"filesrc", "videotestsrc", "uri=file:"});
}

/// What is not live goes as fast as it is read.
std::string with_appsink(const std::string& description) {
  if (contains_any(description, {"appsink"})) return description;
  return description + " ! videoconvert ! video/x-raw,format=BGR ! appsink" +
         (is_live_pipeline(description) ? "" : " sync=false max-buffers=4");
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
    throw LossError(LossCause::kCodec, fmt::format("{}: delivers {} channels of {}, expected 8-bit BGR, BGRA or grey",
                                                   name, image.channels(), cv::depthToString(image.depth())));
  }
  return bgr;
}

class CaptureSource : public FrameSource {
 public:
  CaptureSource(std::unique_ptr<Capture> capture, SourceInfo info)
      : capture_(std::move(capture)), info_(std::move(info)) {}

  std::optional<FrameResult> next() override {
    if (ended_) return std::nullopt;
    const Stopwatch watch;
    cv::Mat image;
    try {
      if (!capture_->read(image)) return at_end();
    } catch (const cv::Exception& error) {
      throw LossError(LossCause::kEnded,
                      fmt::format("{}: reading frame {} failed: {}", info_.name, next_index_, error.err));
    }
    Frame frame{.image = to_bgr(std::move(image), info_.name), .source = info_.name, .index = next_index_++};
    frame.time_s = position_s(frame.index);
    frame.capture_ms = watch.elapsed_ms();
    return frame;
  }
  const SourceInfo& info() const override { return info_; }

 private:
  /// Of a pipeline that is not live by its nominal rate: OpenCV passes no time stamps on, and the pipeline's own
  /// position is that of frames that wait in it.
  double position_s(int64_t index) const {
    return info_.live ? since_opened_.elapsed_ms() / 1000.0 : static_cast<double>(index) / info_.fps;
  }

  std::optional<FrameResult> at_end() {
    ended_ = true;
    if (next_index_ == 0) {
      throw LossError(LossCause::kCodec, fmt::format("{}: holds no frame that can be decoded", info_.name));
    }
    if (!info_.live) return std::nullopt;
    const char* const why = info_.kind == SourceKind::kCamera ? "stopped (unplugged?)" : "the pipeline ended";
    return FrameFailure{.source = info_.name,
                        .index = next_index_,
                        .kind = FailureKind::kLost,
                        .message = fmt::format("{}: {} after {}", info_.name, why, counted(next_index_, "frame")),
                        .cause = LossCause::kEnded};
  }

  std::unique_ptr<Capture> capture_;
  SourceInfo info_;
  int64_t next_index_ = 0;
  bool ended_ = false;
  Stopwatch since_opened_;
};

std::string cameras_found() {
  std::vector<std::string> names;
  for (const fs::path& file : walk_folder("/dev", WalkDepth::kThisFolder).files) {
    if (file.filename().string().starts_with("video")) names.push_back(file.string());
  }
  return names.empty() ? "no camera is attached" : fmt::format("there is {}", fmt::join(names, ", "));
}

void fill_from(const Capture& capture, SourceInfo& info) {
  const double frames = capture.frames();
  if (std::isfinite(frames) && frames >= 1.0 && frames < 1e12) info.frames = std::llround(frames);
  const double fps = capture.fps();
  info.fps = std::isfinite(fps) && fps > 0.0 && fps <= 1000.0 ? fps : kFallbackFps;
}

std::unique_ptr<FrameSource> open_camera(const SourceSpec& spec) {
  const std::optional<int> number = parse_number_in(spec.text, 0, kMaxCamera);
  if (!number) throw IoError(fmt::format("camera {}: expected its index, e.g. 0", spec.text));
  const int index = *number;
  const std::string device = fmt::format("/dev/video{}", index);
  SourceInfo info{.kind = spec.kind, .name = name_of(spec), .stem = stem_of(spec), .live = true};
  std::error_code error;
  if (!fs::exists(device, error)) {
    throw LossError(LossCause::kNotFound,
                    fmt::format("camera {}: there is no {} ({})", index, device, cameras_found()));
  }
  std::unique_ptr<Capture> capture = capture_module().open_camera(index);
  if (!capture) {
    throw LossError(
        LossCause::kRefused,
        fmt::format("{}: cannot be opened (in use by another program, no permission, or not a camera)", info.name));
  }
  fill_from(*capture, info);
  info.frames.reset();
  return std::make_unique<CaptureSource>(std::move(capture), std::move(info));
}

std::unique_ptr<FrameSource> open_gstreamer(const SourceSpec& spec) {
  const std::string description = with_appsink(spec.text);
  SourceInfo info{
      .kind = spec.kind, .name = name_of(spec), .stem = stem_of(spec), .live = is_live_pipeline(description)};
  // OpenCV would wait for the frames of a pipeline whose first element is missing.
  if (const std::string problem = pipeline_problem(description); !problem.empty()) {
    throw LossError(
        LossCause::kOther,
        fmt::format("{}: GStreamer cannot build this pipeline: {}; `gst-inspect-1.0` lists the elements that "
                    "are installed",
                    info.name, problem));
  }
  std::unique_ptr<Capture> capture = capture_module().open_pipeline(description);
  if (!capture) {
    throw LossError(
        LossCause::kOther,
        fmt::format("{}: GStreamer cannot start this pipeline; try it with `gst-launch-1.0`, and see GST_DEBUG=3",
                    info.name));
  }
  fill_from(*capture, info);
  if (info.live) info.frames.reset();
  return std::make_unique<CaptureSource>(std::move(capture), std::move(info));
}

}  // namespace

std::unique_ptr<FrameSource> open_capture(const SourceSpec& spec) {
  return spec.kind == SourceKind::kCamera ? open_camera(spec) : open_gstreamer(spec);
}

}  // namespace zoo::pipeline
