#include "pipeline/images/png_chunks.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "pipeline/images/image_decoders.h"
#include "pipeline/images/png_exif.h"

namespace zoo::pipeline {
namespace {

constexpr std::string_view kFormat = "PNG";
constexpr std::array<uint8_t, 8> kSignature = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
constexpr size_t kSignatureSize = kSignature.size();
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

bool makes_pixels(std::string_view type) {
  return type == "IHDR" || type == "PLTE" || type == "IDAT" || type == "IEND";
}

/// The orientation that chunks state.
class Orientation {
 public:
  void take(const std::string& type, std::span<const uint8_t> data) {
    if (type == "eXIf") exif_ = exif_orientation(data);
    if (!is_exif_text_chunk(type, data)) return;
    text_type_ = type;
    text_.assign(data.begin(), data.end());
  }

  /// Only one text is unpacked, however many there are: the last, which is Pillow's as well.
  int value() const {
    if (exif_) return *exif_;
    const std::optional<std::vector<uint8_t>> exif = exif_of_text_chunk(text_type_, text_);
    return exif ? exif_orientation(*exif) : 1;
  }

 private:
  std::optional<int> exif_;
  std::string text_type_;
  std::vector<uint8_t> text_;
};

}  // namespace

bool is_png(std::span<const uint8_t> bytes) {
  return bytes.size() >= kSignatureSize && std::ranges::equal(bytes.first(kSignatureSize), kSignature);
}

PngHeader keep_pixel_chunks(std::vector<uint8_t>& bytes, const ImageReadOptions& options) {
  const ByteReader reader(bytes, std::endian::big, kFormat);
  PngHeader header;
  Orientation orientation;
  size_t kept = kSignatureSize;
  uint64_t offset = kSignatureSize;
  bool has_data = false;
  for (std::string type; type != "IEND";) {
    const uint64_t length = reader.u32(offset);
    const std::span<const uint8_t> body = reader.slice(offset + 4, 4 + length);
    type.assign(body.begin(), body.begin() + 4);
    const bool first = offset == kSignatureSize;
    if (first && type == "CgBI") throw_unsupported("Apple's CgBI PNG");
    if (first != (type == "IHDR")) throw_damaged(kFormat, "the header is not the first chunk");
    const uint32_t checksum = reader.u32(offset + 8 + length);
    if (first) {
      header.width = reader.u32(offset + 8);
      header.height = reader.u32(offset + 12);
      check_size(kFormat, header.width, header.height, options);
    }
    orientation.take(type, body.subspan(4));
    if (makes_pixels(type)) {
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
  header.orientation = orientation.value();
  return header;
}

}  // namespace zoo::pipeline
