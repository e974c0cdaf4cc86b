#include "pipeline/video/content.h"

#include <array>
#include <fstream>
#include <vector>

#include "pipeline/images/image_decoders.h"
#include "pipeline/images/jpeg_count.h"

namespace zoo::pipeline {
namespace {

/// More than any signature needs.
constexpr size_t kSignatureBytes = 64;
constexpr size_t kChunkBytes = size_t{1} << 16;
constexpr size_t kMostBytes = size_t{1} << 29;  // read_image takes no larger picture

}  // namespace

ffmpeg::Content content_of(std::span<const uint8_t> bytes, bool complete) {
  if (bytes.size() < kSignatureBytes && !complete) return ffmpeg::Content::kUndecided;
  try {
    if (detect_format(bytes) != ImageFormat::kJpeg) return ffmpeg::Content::kPicture;
  } catch (const ImageError&) {
    return ffmpeg::Content::kVideo;
  }
  switch (count_jpegs(bytes, complete)) {
    case JpegCount::kUndecided:
      return ffmpeg::Content::kUndecided;
    case JpegCount::kOne:
      return ffmpeg::Content::kPicture;
    case JpegCount::kSeveral:
      break;
  }
  return ffmpeg::Content::kVideo;
}

bool begins_as_picture(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::array<char, kSignatureBytes> signature{};
  stream.read(signature.data(), signature.size());
  const auto* const bytes = reinterpret_cast<const uint8_t*>(signature.data());
  try {
    detect_format({bytes, static_cast<size_t>(stream.gcount())});
    return true;
  } catch (const ImageError&) {
    return false;
  }
}

bool holds_picture(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::vector<uint8_t> bytes;
  for (size_t size = kChunkBytes;; size *= 2) {
    const size_t before = bytes.size();
    bytes.resize(size);
    stream.read(reinterpret_cast<char*>(bytes.data() + before), static_cast<std::streamsize>(size - before));
    const bool complete = !stream || size >= kMostBytes;
    bytes.resize(before + static_cast<size_t>(stream.gcount()));
    const ffmpeg::Content content = content_of(bytes, complete);
    if (content != ffmpeg::Content::kUndecided) return content == ffmpeg::Content::kPicture;
  }
}

}  // namespace zoo::pipeline
