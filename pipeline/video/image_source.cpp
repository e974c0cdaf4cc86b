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
    case ImageFault::kNoMemory:
      return FailureKind::kTooLarge;
  }
  return FailureKind::kNotAnImage;
}

template <typename Read>
FrameResult frame_of(const std::string& source, int64_t index, Read read) {
  const Stopwatch watch;
  try {
    Frame frame{.image = read(), .source = source, .index = index};
    frame.capture_ms = watch.elapsed_ms();
    return frame;
  } catch (const ImageError& error) {
    return FrameFailure{source, index, failure_kind(error.fault()), error.what()};
  }
}

FrameResult read_frame(const std::filesystem::path& file, int64_t index, const ImageReadOptions& options) {
  return frame_of(file.string(), index, [&] { return read_image(file, options); });
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

MemoryImageSource::MemoryImageSource(std::vector<uint8_t> bytes, SourceInfo info)
    : bytes_(std::move(bytes)), info_(std::move(info)) {
  info_.kind = SourceKind::kImages;
  info_.frames = 1;
}

std::optional<FrameResult> MemoryImageSource::next() {
  if (std::exchange(ended_, true)) return std::nullopt;
  return frame_of(info_.name, 0, [this] { return decode_image(std::move(bytes_), info_.name); });
}

}  // namespace zoo::pipeline
