#include "pipeline/video/image_source.h"

#include <utility>

#include "nn/core/stopwatch.h"

namespace zoo::pipeline {
namespace {

FailureKind failure_kind(ImageFault fault) {
  switch (fault) {
    case ImageFault::kMissing:
      return FailureKind::kMissing;
    case ImageFault::kEmpty:
      return FailureKind::kEmpty;
    case ImageFault::kNotAnImage:
      return FailureKind::kNotAnImage;
    case ImageFault::kTruncated:
      return FailureKind::kTruncated;
    case ImageFault::kTooLarge:
      return FailureKind::kTooLarge;
  }
  return FailureKind::kNotAnImage;
}

FrameResult read_frame(const std::filesystem::path& file, int64_t index, const ImageReadOptions& options) {
  const Stopwatch watch;
  try {
    Frame frame{.image = read_image(file, options), .source = file.string(), .index = index};
    frame.capture_ms = watch.elapsed_ms();
    return frame;
  } catch (const ImageError& error) {
    return FrameFailure{file.string(), index, failure_kind(error.fault()), error.what()};
  }
}

}  // namespace

ImageSource::ImageSource(std::vector<std::filesystem::path> files, const ImageReadOptions& options)
    : files_(std::move(files)), options_(options) {
  info_.kind = SourceKind::kImages;
  info_.frames = static_cast<int64_t>(files_.size());
  info_.name = name_of({SourceKind::kImages, "", files_});
  info_.stem = files_.empty() ? "" : files_.front().stem().string();
}

std::optional<FrameResult> ImageSource::next() {
  const std::optional<Pending> pending = next_pending();
  if (!pending) return std::nullopt;
  return (*pending)();
}

std::optional<FrameSource::Pending> ImageSource::next_pending() {
  if (position_ == files_.size()) return std::nullopt;
  const auto index = static_cast<int64_t>(position_);
  return [file = files_[position_++], index, options = options_] { return read_frame(file, index, options); };
}

}  // namespace zoo::pipeline
