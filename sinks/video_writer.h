// Annotated frames as a video file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nn/core/files.h"
#include "pipeline/video/ffmpeg/video_encoder.h"
#include "sinks/constant_rate.h"
#include "sinks/frame_writer.h"

namespace zoo::sinks {

/// See make_frame_writer. The file is opened with the first frame, as a part that plays at any moment (VideoEncoder)
/// and gets its name at the end.
class VideoWriter : public FrameWriter {
 public:
  /// `input`: OutputWish::input of the video, the path of a file.
  VideoWriter(std::shared_ptr<OutputFolder> folder, pipeline::SourceInfo source, std::string input,
              const VideoOptions& options);
  ~VideoWriter() override;

  void write(const pipeline::Frame& frame) override;
  void source_ended() override;
  void finish() override;
  const std::vector<std::filesystem::path>& files() const override { return files_; }

 private:
  void open(cv::Size size);
  void encode(const pipeline::Frame& frame);
  void show_waiting(int64_t times);
  void note_size(cv::Size size);
  void note_long(double shown_s);
  bool stopped() const { return options_.stop != nullptr && *options_.stop; }
  /// Does it; if it fails, nothing is kept.
  template <typename Work>
  void all_or_nothing(Work work);
  void keep();

  std::shared_ptr<OutputFolder> folder_;
  pipeline::SourceInfo source_;
  std::string input_;
  VideoOptions options_;
  std::unique_ptr<NewFile> file_;
  std::unique_ptr<ffmpeg::VideoEncoder> encoder_;
  cv::Size size_;
  bool size_noted_ = false;
  bool long_noted_ = false;
  std::optional<ConstantRate> rate_;
  cv::Mat waiting_;  ///< of a constant rate: the frame that is shown until the next one's time
  std::vector<std::filesystem::path> files_;
};

}  // namespace zoo::sinks
