// BMP: the header and the length are checked here, OpenCV decodes.
#include <fmt/format.h>
#include <opencv2/imgcodecs.hpp>

#include "pipeline/image_decoders.h"

namespace zoo::pipeline {
namespace {

constexpr std::string_view kFormat = "BMP";
constexpr uint32_t kCoreHeaderSize = 12;  // OS/2 1.x: 16-bit sizes, never compressed
constexpr uint32_t kInfoHeaderSize = 40;

enum Compression : uint32_t { kNone = 0, kRle8 = 1, kRle4 = 2, kBitFields = 3 };

}  // namespace

DecodedImage decode_bmp(std::vector<uint8_t>& bytes, const ImageReadOptions& options) {
  const ByteReader reader(bytes, std::endian::little, kFormat);
  const uint64_t pixels_at = reader.u32(10);
  const uint32_t header_size = reader.u32(14);
  const bool core = header_size == kCoreHeaderSize;
  if (!core && header_size < kInfoHeaderSize) {
    throw_damaged(kFormat, fmt::format("a header of {} bytes is unknown", header_size));
  }
  reader.slice(14, header_size);
  const int64_t width = core ? static_cast<int64_t>(reader.u16(18)) : static_cast<int32_t>(reader.u32(18));
  const int64_t signed_height = core ? static_cast<int64_t>(reader.u16(20)) : static_cast<int32_t>(reader.u32(22));
  const int64_t height = signed_height < 0 ? -signed_height : signed_height;  // negative: stored from the top
  check_size(kFormat, width, height, options);
  const uint32_t bits = reader.u16(core ? 24 : 28);
  const uint32_t compression = core ? kNone : reader.u32(30);
  if (compression == kNone || compression == kBitFields) {
    const uint64_t row_bytes = (static_cast<uint64_t>(width) * bits + 31) / 32 * 4;
    reader.slice(pixels_at, row_bytes * static_cast<uint64_t>(height));
  } else if (compression == kRle8 || compression == kRle4) {
    reader.slice(pixels_at, reader.u32(34));
  } else {
    throw_unsupported(fmt::format("BMP with compression {}", compression));
  }
  return {decode_with_opencv(bytes, cv::IMREAD_COLOR | cv::IMREAD_IGNORE_ORIENTATION, kFormat), 1};
}

}  // namespace zoo::pipeline
