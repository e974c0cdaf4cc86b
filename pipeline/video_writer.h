// Annotated frames as a video file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <opencv2/videoio.hpp>

#include "pipeline/frame_writer.h"

namespace zoo::pipeline {

/// See make_frame_writer. The file is opened with the first frame. finish() reads the file back and compares the number
/// of frames, because cv::VideoWriter reports neither a full disk nor an encoder that gives up.
class VideoWriter : public FrameWriter {
 public:
  /// `names` must outlive the writer.
  VideoWriter(OutputNames& names, SourceInfo source);

  void write(const Frame& frame) override;
  void finish() override;
  const std::vector<std::filesystem::path>& files() const override { return files_; }

 private:
  void open(cv::Size size);
  std::string disk_state() const;

  OutputNames& names_;
  SourceInfo source_;
  cv::VideoWriter writer_;
  cv::Size size_;
  int64_t frames_ = 0;
  std::vector<std::filesystem::path> files_;
};

}  // namespace zoo::pipeline
