// A list of picture files as a source.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "pipeline/images/image_io.h"
#include "pipeline/video/frame_source.h"

namespace zoo::pipeline {

/// Reads the files in the given order. A file that cannot be read yields a FrameFailure; next() never throws IoError.
class ImageSource : public FrameSource {
 public:
  explicit ImageSource(std::vector<std::filesystem::path> files, const ImageReadOptions& options = {});

  std::optional<FrameResult> next() override;
  std::optional<Pending> next_pending() override;
  const SourceInfo& info() const override { return info_; }

 private:
  std::vector<std::filesystem::path> files_;
  ImageReadOptions options_;
  SourceInfo info_;
  size_t position_ = 0;
};

}  // namespace zoo::pipeline
