// Video files, cameras, network streams and GStreamer pipelines as sources.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include <opencv2/videoio.hpp>

#include "nn/core/stopwatch.h"
#include "pipeline/video/frame_source.h"

namespace zoo::pipeline {

/// Frames of a cv::VideoCapture. A file's rotation metadata is applied (OpenCV's FFmpeg backend does that).
///
/// A file that ends before the promised number of frames, and a camera or stream that stops delivering, yield one
/// FrameFailure at the end. A source without a single frame throws IoError.
class VideoSource : public FrameSource {
 public:
  VideoSource(const cv::VideoCapture& capture, SourceInfo info);

  std::optional<FrameResult> next() override;
  const SourceInfo& info() const override { return info_; }

 private:
  double position_s(int64_t index) const;
  std::optional<FrameResult> at_end();

  cv::VideoCapture capture_;
  SourceInfo info_;
  int64_t next_index_ = 0;
  bool ended_ = false;
  Stopwatch since_opened_;
};

/// Opens any spec but kImages. Throws IoError naming the source and what is wrong with it.
std::unique_ptr<FrameSource> open_video_source(const SourceSpec& spec);

/// Name of the file that a stream of this address is saved as: "door" of "rtsp://user:password@host/camera/door.mp4?x",
/// without a path the host. Nobody's password, not even that of an address that no library takes.
std::string stem_of_address(const std::string& address);

/// Whether FFmpeg finds a video in this file.
bool can_open_video(const std::filesystem::path& file);

}  // namespace zoo::pipeline
