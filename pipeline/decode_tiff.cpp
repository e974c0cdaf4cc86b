// TIFF and EXIF, which share their structure (TIFF 6.0, section 2). The directory is checked here, OpenCV (libtiff)
// decodes.
#include <algorithm>

#include <fmt/format.h>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "pipeline/image_decoders.h"

namespace zoo::pipeline {
namespace {

constexpr std::string_view kFormat = "TIFF";

enum Tag : uint32_t {
  kImageWidth = 256,
  kImageLength = 257,
  kBitsPerSample = 258,
  kStripOffsets = 273,
  kOrientation = 274,
  kStripByteCounts = 279,
  kTileWidth = 322,
  kTileLength = 323,
  kTileOffsets = 324,
  kTileByteCounts = 325,
  kExtraSamples = 338,
  kSampleFormat = 339,
};

constexpr uint32_t kUnassociatedAlpha = 2;
constexpr uint32_t kAssociatedAlpha = 1;
constexpr uint32_t kUnsignedSamples = 1;

// The first directory of a file.
class Directory {
 public:
  explicit Directory(std::span<const uint8_t> bytes)
      : reader_(bytes, !bytes.empty() && bytes[0] == 'M' ? std::endian::big : std::endian::little, kFormat),
        entries_at_(uint64_t{reader_.u32(4)} + 2),
        count_(reader_.u16(entries_at_ - 2)) {
    reader_.slice(entries_at_, count_ * kEntrySize);
  }

  // Values of a tag: bytes, shorts or longs; none if the tag is absent.
  std::vector<uint32_t> values(uint32_t tag) const {
    std::vector<uint32_t> result;
    if (const std::optional<Field> field = find(tag)) {
      for (uint64_t i = 0; i < field->count; ++i) result.push_back(value(*field, i));
    }
    return result;
  }

  std::optional<uint32_t> first(uint32_t tag) const {
    const std::optional<Field> field = find(tag);
    return field && field->count > 0 ? std::optional(value(*field, 0)) : std::nullopt;
  }

  // Where the first value of a tag of 16-bit numbers lies.
  std::optional<uint64_t> short_at(uint32_t tag) const {
    const std::optional<Field> field = find(tag);
    return field && field->width == 2 && field->count > 0 ? std::optional(field->at) : std::nullopt;
  }

  const ByteReader& reader() const { return reader_; }

 private:
  static constexpr uint64_t kEntrySize = 12;

  struct Field {
    uint64_t at = 0;
    uint64_t count = 0;
    uint32_t width = 0;
  };

  std::optional<Field> find(uint32_t tag) const {
    for (uint64_t i = 0; i < count_; ++i) {
      const uint64_t at = entries_at_ + i * kEntrySize;
      if (reader_.u16(at) != tag) continue;
      Field field{at + 8, reader_.u32(at + 4), width_of(reader_.u16(at + 2))};
      if (field.width == 0) return std::nullopt;
      const uint64_t size = field.count * field.width;
      if (size > 4) field.at = reader_.u32(at + 8);
      reader_.slice(field.at, size);
      return field;
    }
    return std::nullopt;
  }

  uint32_t value(const Field& field, uint64_t index) const {
    const uint64_t at = field.at + index * field.width;
    if (field.width == 1) return reader_.slice(at, 1).front();
    return field.width == 2 ? reader_.u16(at) : reader_.u32(at);
  }

  // Bytes per value of the field types byte, short and long.
  static uint32_t width_of(uint32_t type) {
    switch (type) {
      case 1:
        return 1;
      case 3:
        return 2;
      case 4:
        return 4;
      default:
        return 0;
    }
  }

  ByteReader reader_;
  uint64_t entries_at_;
  uint64_t count_;
};

int orientation_of(const Directory& directory) {
  const uint32_t orientation = directory.first(kOrientation).value_or(1);
  return orientation >= 1 && orientation <= 8 ? static_cast<int>(orientation) : 1;
}

// Every strip or tile must lie inside the file: libtiff would hand out what it can get of the last one.
void check_segments(const Directory& directory, uint32_t offsets_tag, uint32_t counts_tag) {
  const std::vector<uint32_t> offsets = directory.values(offsets_tag);
  const std::vector<uint32_t> counts = directory.values(counts_tag);
  for (size_t i = 0; i < std::min(offsets.size(), counts.size()); ++i) directory.reader().slice(offsets[i], counts[i]);
}

void set_short(std::vector<uint8_t>& bytes, std::optional<uint64_t> at, uint32_t value) {
  if (!at) return;
  const bool big = bytes[0] == 'M';
  bytes[*at] = static_cast<uint8_t>(big ? value >> 8 : value);
  bytes[*at + 1] = static_cast<uint8_t>(big ? value : value >> 8);
}

cv::Mat to_bgr(const cv::Mat& decoded) {
  cv::Mat narrow = decoded;
  if (decoded.depth() == CV_16U) {
    narrow.create(decoded.size(), CV_8UC(decoded.channels()));
    for (int y = 0; y < decoded.rows; ++y) {
      const uint16_t* in = decoded.ptr<uint16_t>(y);
      std::transform(in, in + decoded.cols * decoded.channels(), narrow.ptr(y),
                     [](uint16_t value) { return static_cast<uint8_t>(value >> 8); });
    }
  }
  if (narrow.depth() != CV_8U) throw_unsupported("this kind of TIFF");
  cv::Mat bgr;
  switch (narrow.channels()) {
    case 1:
      cv::cvtColor(narrow, bgr, cv::COLOR_GRAY2BGR);
      return bgr;
    case 3:
      return narrow;
    case 4:
      cv::cvtColor(narrow, bgr, cv::COLOR_BGRA2BGR);
      return bgr;
    default:
      throw_unsupported("this kind of TIFF");
  }
}

}  // namespace

int exif_orientation(std::span<const uint8_t> tiff) {
  try {
    return orientation_of(Directory(tiff));
  } catch (const ImageError&) {
    return 1;  // the picture itself may be sound
  }
}

DecodedImage decode_tiff(std::vector<uint8_t>& bytes, const ImageReadOptions& options) {
  const Directory directory(bytes);
  check_size(kFormat, directory.first(kImageWidth).value_or(0), directory.first(kImageLength).value_or(0), options);
  check_size(kFormat, directory.first(kTileWidth).value_or(1), directory.first(kTileLength).value_or(1), options);
  const uint32_t bits = directory.first(kBitsPerSample).value_or(1);
  if (bits > 16) throw_unsupported(fmt::format("TIFF with {} bits per sample", bits));
  if (directory.first(kSampleFormat).value_or(kUnsignedSamples) != kUnsignedSamples) {
    throw_unsupported("TIFF with signed or floating-point samples");
  }
  check_segments(directory, kStripOffsets, kStripByteCounts);
  check_segments(directory, kTileOffsets, kTileByteCounts);
  const int orientation = orientation_of(directory);
  // OpenCV would turn some pictures and libtiff multiply colours with their alpha; neither happens to these tags.
  const std::optional<uint64_t> orientation_at = directory.short_at(kOrientation);
  const std::optional<uint64_t> alpha_at = directory.short_at(kExtraSamples);
  const bool unassociated = directory.first(kExtraSamples) == kUnassociatedAlpha;
  set_short(bytes, orientation_at, 1);
  if (unassociated) set_short(bytes, alpha_at, kAssociatedAlpha);
  return {to_bgr(decode_with_opencv(bytes, cv::IMREAD_UNCHANGED, kFormat)), orientation};
}

}  // namespace zoo::pipeline
