// WebP: the container is checked here, libwebp decodes.
#include <webp/decode.h>

#include <fmt/format.h>

#include "pipeline/images/image_decoders.h"

namespace zoo::pipeline {
namespace {

constexpr std::string_view kFormat = "WebP";
constexpr uint64_t kContainerHeader = 12;  // "RIFF", length, "WEBP"
constexpr uint32_t kAnimationFlag = 0x02;

struct Size {
  int64_t width = 0;
  int64_t height = 0;
};

// Size in the first chunk: lossy (RFC 6386, 9.1), lossless (WebP lossless specification, 4) or extended container.
Size size_of(const std::string& type, uint64_t data, const ByteReader& reader) {
  if (type == "VP8 ") return {reader.u16(data + 6) & 0x3FFF, reader.u16(data + 8) & 0x3FFF};
  if (type == "VP8L") {
    const uint32_t packed = reader.u32(data + 1);
    return {(packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1};
  }
  if (type != "VP8X") throw_damaged(kFormat, "the first chunk is no picture");
  if ((reader.u32(data) & kAnimationFlag) != 0) throw_unsupported("animated WebP");
  // Three bytes each, read with their neighbours.
  return {(reader.u32(data + 4) & 0xFFFFFF) + 1, (reader.u32(data + 6) >> 8) + 1};
}

// `exif` with or without JPEG's "Exif\0\0" before it.
int orientation_of(std::span<const uint8_t> exif) {
  const bool prefixed = exif.size() > 6 && exif[0] == 'E' && exif[1] == 'x';
  return exif_orientation(prefixed ? exif.subspan(6) : exif);
}

cv::Mat decode_pixels(std::span<const uint8_t> bytes, const ImageReadOptions& options) {
  int width = 0;
  int height = 0;
  if (WebPGetInfo(bytes.data(), bytes.size(), &width, &height) == 0) throw_damaged(kFormat, "it cannot be decoded");
  check_size(kFormat, width, height, options);
  cv::Mat image(height, width, CV_8UC3);
  const size_t size = image.total() * image.elemSize();
  if (WebPDecodeBGRInto(bytes.data(), bytes.size(), image.data, size, static_cast<int>(image.step)) == nullptr) {
    throw_damaged(kFormat, "it cannot be decoded");
  }
  return image;
}

}  // namespace

DecodedImage decode_webp(std::vector<uint8_t>& bytes, const ImageReadOptions& options) {
  const ByteReader reader(bytes, std::endian::little, kFormat);
  DecodedImage image;
  const uint64_t end = uint64_t{reader.u32(4)} + 8;
  reader.slice(0, end);
  for (uint64_t offset = kContainerHeader; offset + 8 <= end;) {
    const std::span<const uint8_t> name = reader.slice(offset, 4);
    const std::string type(name.begin(), name.end());
    const uint64_t length = reader.u32(offset + 4);
    // A container states a size of its own before the picture's.
    if (offset == kContainerHeader || type == "VP8 " || type == "VP8L") {
      const Size size = size_of(type, offset + 8, reader);
      check_size(kFormat, size.width, size.height, options);
    }
    const std::span<const uint8_t> data = reader.slice(offset + 8, length);
    if (type == "EXIF") image.orientation = orientation_of(data);
    offset += 8 + length + length % 2;
  }
  image.pixels = decode_pixels(bytes, options);
  return image;
}

}  // namespace zoo::pipeline
