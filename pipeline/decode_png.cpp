// PNG: the chunks are checked here, OpenCV (libpng) decodes. Only the chunks that make the pixels are handed on, so
// that libpng has nothing to complain about on stderr and transparency cannot be blended in.
#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <opencv2/imgcodecs.hpp>

#include "pipeline/image_decoders.h"

namespace zoo::pipeline {
namespace {

constexpr std::string_view kFormat = "PNG";
constexpr size_t kSignatureSize = 8;
// Length, type and checksum around a chunk's data.
constexpr uint64_t kChunkFrame = 12;

// CRC-32 of ISO 3309, as PNG's specification (annex D) describes it.
constexpr std::array<uint32_t, 256> kCrcTable = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t n = 0; n < table.size(); ++n) {
    uint32_t c = n;
    for (int bit = 0; bit < 8; ++bit) c = (c & 1U) != 0 ? 0xEDB88320U ^ (c >> 1) : c >> 1;
    table[n] = c;
  }
  return table;
}();

uint32_t crc32(std::span<const uint8_t> bytes) {
  uint32_t crc = 0xFFFFFFFFU;
  for (uint8_t byte : bytes) crc = kCrcTable[(crc ^ byte) & 0xFFU] ^ (crc >> 8);
  return ~crc;
}

}  // namespace

DecodedImage decode_png(std::vector<uint8_t>& bytes, const ImageReadOptions& options) {
  const ByteReader reader(bytes, std::endian::big, kFormat);
  DecodedImage image;
  size_t kept = kSignatureSize;
  uint64_t offset = kSignatureSize;
  bool has_data = false;
  for (std::string type; type != "IEND";) {
    const uint64_t length = reader.u32(offset);
    const std::span<const uint8_t> body = reader.slice(offset + 4, 4 + length);
    type.assign(body.begin(), body.begin() + 4);
    const std::span<const uint8_t> data = body.subspan(4);
    const uint32_t checksum = reader.u32(offset + 8 + length);
    const bool first = offset == kSignatureSize;
    if (first != (type == "IHDR")) throw_damaged(kFormat, "the header is not the first chunk");
    if (first) check_size(kFormat, reader.u32(offset + 8), reader.u32(offset + 12), options);
    if (type == "eXIf") image.orientation = exif_orientation(data);
    if (type == "IHDR" || type == "PLTE" || type == "IDAT" || type == "IEND") {
      if (crc32(body) != checksum) throw_damaged(kFormat, fmt::format("the checksum of a chunk {} is wrong", type));
      has_data = has_data || type == "IDAT";
      const auto begin = bytes.begin() + static_cast<ptrdiff_t>(offset);
      std::copy(begin, begin + static_cast<ptrdiff_t>(length + kChunkFrame),
                bytes.begin() + static_cast<ptrdiff_t>(kept));
      kept += length + kChunkFrame;
    }
    offset += length + kChunkFrame;
  }
  if (!has_data) throw_damaged(kFormat, "there are no pixels");
  bytes.resize(kept);
  image.pixels = decode_with_opencv(bytes, cv::IMREAD_COLOR | cv::IMREAD_IGNORE_ORIENTATION, kFormat);
  return image;
}

}  // namespace zoo::pipeline
