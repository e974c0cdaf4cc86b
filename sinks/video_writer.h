// Annotated frames as a video file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <opencv2/videoio.hpp>

#include "nn/core/files.h"
#include "sinks/frame_writer.h"

namespace zoo::sinks {

/// See make_frame_writer. The file is opened with the first frame, as a part that gets its name at the end. finish()
/// reads it back and compares the number of frames, because cv::VideoWriter reports neither a full disk nor an encoder
/// that gives up.
class VideoWriter : public FrameWriter {
 public:
  /// `input`: OutputWish::input of the video.
  VideoWriter(std::shared_ptr<OutputFolder> folder, pipeline::SourceInfo source, std::string input);
  ~VideoWriter() override;

  void write(const pipeline::Frame& frame) override;
  void finish() override;
  const std::vector<std::filesystem::path>& files() const override { return files_; }

 private:
  void open(cv::Size size);
  std::string disk_state() const;

  std::shared_ptr<OutputFolder> folder_;
  pipeline::SourceInfo source_;
  std::string input_;
  std::unique_ptr<NewFile> file_;
  cv::VideoWriter writer_;
  cv::Size size_;
  int64_t frames_ = 0;
  std::vector<std::filesystem::path> files_;
};

}  // namespace zoo::sinks
