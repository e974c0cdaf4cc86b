// Pictures as sources.
#pragma once

#include <cstdint>
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

/// One picture that is in memory. next() never throws IoError.
class MemoryImageSource : public FrameSource {
 public:
  /// `bytes`: as decode_image takes them. `info`: of the source that they came from; its kind and number are set.
  MemoryImageSource(std::vector<uint8_t> bytes, SourceInfo info);

  std::optional<FrameResult> next() override;
  const SourceInfo& info() const override { return info_; }

 private:
  std::vector<uint8_t> bytes_;
  SourceInfo info_;
  bool ended_ = false;
};

}  // namespace zoo::pipeline
