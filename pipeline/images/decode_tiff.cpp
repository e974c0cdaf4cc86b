// TIFF: libtiff decodes, but not the directory that the file brings. What the picture needs of it is checked
// here and put into a new one, which is the only one that libtiff sees: what was checked is what is decoded, whatever
// tags are there twice, point into each other or into the directory.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "pipeline/images/image_decoders.h"
#include "pipeline/images/tiff_directory.h"
#include "pipeline/images/tiff_reader.h"

namespace zoo::pipeline {
namespace {

constexpr std::string_view kFormat = "TIFF";

enum Tag : uint32_t {
  kImageWidth = 256,
  kImageLength = 257,
  kBitsPerSample = 258,
  kStripOffsets = 273,
  kOrientation = 274,
  kSamplesPerPixel = 277,
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
constexpr uint32_t kMaxSamples = 4;  ///< colours and alpha, or CMYK

enum class Values {
  kNumber,     ///< exactly one byte, short or long
  kNumbers,    ///< any number of them
  kBytes,      ///< what only the decoder of a compression understands
  kRationals,  ///< fractions
};

struct Rule {
  uint32_t tag;
  Values values;
};

// The tags that decide about pixels, ascending: TIFF 6.0, its technical notes 1 and 2 (JPEG), LERC. Others, among them
// a number of layers (ImageDepth), do not reach libtiff.
constexpr auto kRules = std::to_array<Rule>({
    {kImageWidth, Values::kNumber},
    {kImageLength, Values::kNumber},
    {kBitsPerSample, Values::kNumbers},
    {259, Values::kNumber},  // Compression
    {262, Values::kNumber},  // PhotometricInterpretation
    {266, Values::kNumber},  // FillOrder
    {kStripOffsets, Values::kNumbers},
    {kOrientation, Values::kNumber},
    {kSamplesPerPixel, Values::kNumber},
    {278, Values::kNumber},  // RowsPerStrip
    {kStripByteCounts, Values::kNumbers},
    {284, Values::kNumber},     // PlanarConfiguration
    {292, Values::kNumber},     // T4Options
    {293, Values::kNumber},     // T6Options
    {317, Values::kNumber},     // Predictor
    {318, Values::kRationals},  // WhitePoint
    {320, Values::kNumbers},    // ColorMap
    {kTileWidth, Values::kNumber},
    {kTileLength, Values::kNumber},
    {kTileOffsets, Values::kNumbers},
    {kTileByteCounts, Values::kNumbers},
    {332, Values::kNumber},  // InkSet
    {334, Values::kNumber},  // NumberOfInks
    {kExtraSamples, Values::kNumbers},
    {kSampleFormat, Values::kNumbers},
    {347, Values::kBytes},      // JPEGTables
    {512, Values::kNumber},     // JPEGProc
    {513, Values::kNumber},     // JPEGInterchangeFormat
    {514, Values::kNumber},     // JPEGInterchangeFormatLength
    {515, Values::kNumber},     // JPEGRestartInterval
    {519, Values::kNumbers},    // JPEGQTables
    {520, Values::kNumbers},    // JPEGDCTables
    {521, Values::kNumbers},    // JPEGACTables
    {529, Values::kRationals},  // YCbCrCoefficients
    {530, Values::kNumbers},    // YCbCrSubSampling
    {531, Values::kNumber},     // YCbCrPositioning
    {532, Values::kRationals},  // ReferenceBlackWhite
    {50674, Values::kNumbers},  // LercParameters
});

bool fits(Values values, TiffType type) {
  switch (values) {
    case Values::kNumber:
    case Values::kNumbers:
      return type == TiffType::kByte || type == TiffType::kShort || type == TiffType::kLong;
    case Values::kBytes:
      return type == TiffType::kByte || type == TiffType::kUndefined;
    case Values::kRationals:
      return type == TiffType::kRational;
  }
  return false;
}

int orientation_of(const TiffDirectory& directory) {
  const uint32_t orientation = directory.first(kOrientation).value_or(1);
  return orientation >= 1 && orientation <= 8 ? static_cast<int>(orientation) : 1;
}

/// The fields that decide about pixels, by tag; each is there once, of a type and number that it may have.
std::vector<TiffDirectory::Field> checked_fields(const TiffDirectory& directory) {
  std::vector<uint32_t> tags = directory.tags();
  std::ranges::sort(tags);
  std::vector<TiffDirectory::Field> fields;
  for (const Rule& rule : kRules) {
    // Not std::ranges: clang 14 does not compile GCC 12's.
    const auto [first, last] = std::equal_range(tags.begin(), tags.end(), rule.tag);
    if (first == last) continue;
    if (last - first > 1) throw_damaged(kFormat, fmt::format("the tag {} is there twice", rule.tag));
    const std::optional<TiffDirectory::Field> field = directory.find(rule.tag);
    if (!field || !fits(rule.values, field->type)) {
      throw_damaged(kFormat, fmt::format("the tag {} has a type that it cannot have", rule.tag));
    }
    if (field->count == 0 || (rule.values == Values::kNumber && field->count != 1)) {
      throw_damaged(kFormat, fmt::format("the tag {} has {} values", rule.tag, field->count));
    }
    fields.push_back(*field);
  }
  return fields;
}

// Every strip or tile must lie inside the file: libtiff would hand out what it can get of the last one.
void check_segments(const TiffDirectory& directory, uint32_t offsets_tag, uint32_t counts_tag) {
  const std::optional<TiffDirectory::Field> offsets = directory.find(offsets_tag);
  const std::optional<TiffDirectory::Field> counts = directory.find(counts_tag);
  if (!offsets || !counts) return;
  for (uint64_t i = 0; i < std::min(offsets->count, counts->count); ++i) {
    directory.reader().slice(directory.value(*offsets, i), directory.value(*counts, i));
  }
}

void check_samples(const TiffDirectory& directory) {
  const uint32_t samples = directory.first(kSamplesPerPixel).value_or(1);
  if (samples > kMaxSamples) throw_unsupported(fmt::format("TIFF with {} samples per pixel", samples));
  for (const uint32_t tag : {kBitsPerSample, kSampleFormat, kExtraSamples}) {
    const uint64_t count = directory.find(tag).value_or(TiffDirectory::Field{}).count;
    if (count > kMaxSamples) throw_damaged(kFormat, fmt::format("the tag {} has {} values", tag, count));
  }
  for (const uint32_t bits : directory.values(kBitsPerSample)) {
    if (bits > 16) throw_unsupported(fmt::format("TIFF with {} bits per sample", bits));
  }
  for (const uint32_t format : directory.values(kSampleFormat)) {
    if (format != kUnsignedSamples) throw_unsupported("TIFF with signed or floating-point samples");
  }
}

void check(const TiffDirectory& directory, const ImageReadOptions& options) {
  check_size(kFormat, directory.first(kImageWidth).value_or(0), directory.first(kImageLength).value_or(0), options);
  check_size(kFormat, directory.first(kTileWidth).value_or(1), directory.first(kTileLength).value_or(1), options);
  check_samples(directory);
  check_segments(directory, kStripOffsets, kStripByteCounts);
  check_segments(directory, kTileOffsets, kTileByteCounts);
}

/// The directory for libtiff. It sees no orientation, by which it would turn some pictures; it would multiply colours
/// with their alpha, so that counts as multiplied already.
TiffDirectoryWriter new_directory(const TiffDirectory& directory, std::span<const TiffDirectory::Field> fields) {
  TiffDirectoryWriter writer(directory.order());
  for (const TiffDirectory::Field& field : fields) {
    if (field.tag == kOrientation) continue;
    if (field.tag == kExtraSamples) {
      std::vector<uint32_t> kinds = directory.values(kExtraSamples);
      if (kinds.front() == kUnassociatedAlpha) kinds.front() = kAssociatedAlpha;
      writer.add_shorts(kExtraSamples, kinds);
    } else {
      writer.add(field.tag, field.type, field.count, directory.stored(field));
    }
  }
  return writer;
}

}  // namespace

int exif_orientation(std::span<const uint8_t> tiff) {
  try {
    return orientation_of(TiffDirectory(tiff));
  } catch (const ImageError&) {
    return 1;  // the picture itself may be sound
  }
}

DecodedImage decode_tiff(std::vector<uint8_t>& bytes, const ImageReadOptions& options) {
  const TiffDirectory directory(bytes);
  const std::vector<TiffDirectory::Field> fields = checked_fields(directory);
  check(directory, options);
  const int orientation = orientation_of(directory);
  const std::vector<uint32_t> bits = directory.values(kBitsPerSample);
  const bool deep = !bits.empty() && std::ranges::max(bits) > 8;
  new_directory(directory, fields).put_into(bytes);
  TiffReader reader(bytes);
  return {deep ? reader.deep_colors() : reader.colors(), orientation};
}

}  // namespace zoo::pipeline
