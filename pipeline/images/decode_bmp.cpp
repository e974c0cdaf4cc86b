// BMP, own code: others ignore most colour masks, or fill the low bits of 16-bit colours with zeros. Here are the
// header and pixels of 16 to 32 bits; those with a palette are in bmp_indexed.cpp.
#include <algorithm>
#include <array>
#include <bit>

#include <fmt/format.h>

#include "pipeline/images/bmp_header.h"

namespace zoo::pipeline {
namespace {

constexpr std::string_view kFormat = "BMP";
constexpr uint64_t kMasksAt = 54;  // after the first 40 bytes of the header, whether they belong to it or not
constexpr uint32_t kCoreHeaderSize = 12;
constexpr uint32_t kInfoHeaderSize = 40;

using Masks = std::array<uint32_t, 3>;  // of red, green and blue in a pixel's bits

// What a file without masks, or with masks of zero, means (as Pillow): 15 bits of colour, or bytes blue, green, red.
constexpr Masks kMasks16 = {0x7C00, 0x3E0, 0x1F};
constexpr Masks kMasks32 = {0xFF0000, 0xFF00, 0xFF};

BmpHeader read_header(const ByteReader& reader) {
  BmpHeader header;
  header.pixels_at = reader.u32(10);
  header.size = reader.u32(BmpHeader::kAt);
  const bool core = header.is_core();
  if (!core && header.size < kInfoHeaderSize) {
    throw_damaged(kFormat, fmt::format("a header of {} bytes is unknown", header.size));
  }
  reader.slice(BmpHeader::kAt, header.size);
  header.width = core ? static_cast<int64_t>(reader.u16(18)) : static_cast<int32_t>(reader.u32(18));
  const int64_t height = core ? static_cast<int64_t>(reader.u16(20)) : static_cast<int32_t>(reader.u32(22));
  header.from_top = height < 0;
  header.height = header.from_top ? -height : height;
  header.bits = reader.u16(core ? 24 : 28);
  if (!core) header.compression = static_cast<BmpCompression>(reader.u32(30));
  return header;
}

void check_mask(uint32_t mask, uint32_t bits) {
  const uint32_t low = mask == 0 ? 0 : mask >> std::countr_zero(mask);
  const bool one_piece = (low & (low + 1)) == 0;
  if (!one_piece || (bits < 32 && mask >> bits != 0)) {
    throw_unsupported(fmt::format("BMP with a colour mask {:#x} of {} bits", mask, bits));
  }
}

Masks masks_of(const BmpHeader& header, const ByteReader& reader) {
  const Masks usual = header.bits == 16 ? kMasks16 : kMasks32;
  if (!header.has_masks()) return usual;
  const Masks masks = {reader.u32(kMasksAt), reader.u32(kMasksAt + 4), reader.u32(kMasksAt + 8)};
  if (masks == Masks{0, 0, 0}) return usual;
  for (const uint32_t mask : masks) check_mask(mask, header.bits);
  return masks;
}

/// One colour out of a pixel's bits.
class Channel {
 public:
  explicit Channel(uint32_t mask)
      : shift_(mask == 0 ? 0 : std::countr_zero(mask)), largest_(mask == 0 ? 1 : mask >> shift_), mask_(mask) {}

  // Scaled to 8 bits and cut off, as Pillow does.
  uint8_t of(uint32_t pixel) const {
    return static_cast<uint8_t>(uint64_t{(pixel & mask_) >> shift_} * 255 / largest_);
  }

 private:
  int shift_;
  uint32_t largest_;
  uint32_t mask_;
};

/// Rows of 16, 24 or 32 bits per pixel.
cv::Mat decode_colors(const BmpHeader& header, const ByteReader& reader) {
  const Masks masks = masks_of(header, reader);
  const bool bytes = masks == kMasks32;
  const Channel red(masks[0]);
  const Channel green(masks[1]);
  const Channel blue(masks[2]);
  uint64_t pixels_at = header.pixels_at;
  if (pixels_at == 0) pixels_at = std::max(BmpHeader::kAt + header.size, header.has_masks() ? kMasksAt + 12 : 0);
  const uint64_t row_bytes = header.row_bytes();
  const std::span<const uint8_t> rows = reader.slice(pixels_at, row_bytes * static_cast<uint64_t>(header.height));
  cv::Mat image(static_cast<int>(header.height), static_cast<int>(header.width), CV_8UC3);
  for (int y = 0; y < image.rows; ++y) {
    const uint8_t* in = rows.data() + static_cast<uint64_t>(y) * row_bytes;
    uint8_t* out = image.ptr(static_cast<int>(header.row(y)));
    for (int x = 0; x < image.cols; ++x, out += 3) {
      if (bytes) {
        std::copy_n(in, 3, out);
        in += header.bits / 8;
        continue;
      }
      uint32_t pixel = 0;
      for (uint32_t shift = 0; shift < header.bits; shift += 8) pixel |= uint32_t{*in++} << shift;
      out[0] = blue.of(pixel);
      out[1] = green.of(pixel);
      out[2] = red.of(pixel);
    }
  }
  return image;
}

}  // namespace

bool BmpHeader::is_core() const { return size == kCoreHeaderSize; }

bool BmpHeader::has_masks() const {
  return compression == BmpCompression::kBitFields || compression == BmpCompression::kAlphaBitFields;
}

bool BmpHeader::is_run_length() const {
  return compression == BmpCompression::kRle8 || compression == BmpCompression::kRle4;
}

uint64_t BmpHeader::row_bytes() const { return (static_cast<uint64_t>(width) * bits + 31) / 32 * 4; }

DecodedImage decode_bmp(std::vector<uint8_t>& bytes, const ImageReadOptions& options) {
  const ByteReader reader(bytes, std::endian::little, kFormat);
  const BmpHeader header = read_header(reader);
  check_size(kFormat, header.width, header.height, options);
  const bool is_color = header.bits == 16 || header.bits == 24 || header.bits == 32;
  if (header.has_masks() && !is_color) {
    throw_unsupported(fmt::format("BMP with colour masks of {} bits", header.bits));
  }
  if (header.has_masks() || (header.compression == BmpCompression::kNone && is_color)) {
    return {decode_colors(header, reader), 1};
  }
  if (header.is_run_length()) {
    reader.slice(header.pixels_at, reader.u32(34));
  } else if (header.compression != BmpCompression::kNone) {
    throw_unsupported(fmt::format("BMP with compression {}", static_cast<uint32_t>(header.compression)));
  }
  return {decode_indexed_bmp(header, reader), 1};
}

}  // namespace zoo::pipeline
