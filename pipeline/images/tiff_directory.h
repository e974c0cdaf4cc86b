// The first directory of a TIFF file, or of an EXIF block, which has the same structure (TIFF 6.0, section 2).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "pipeline/images/image_decoders.h"

namespace zoo::pipeline {

enum class TiffType : uint32_t { kByte = 1, kShort = 3, kLong = 4, kRational = 5, kUndefined = 7 };

/// Bytes of one value; 0 for types other than those above.
uint64_t size_of(TiffType type);

class TiffDirectory {
 public:
  /// What a tag says. `at` is where its values begin, checked to lie inside the bytes with all of them.
  struct Field {
    uint32_t tag = 0;
    TiffType type = TiffType::kShort;
    uint64_t count = 0;
    uint64_t at = 0;
  };

  /// Reads the list of entries, not their values. `bytes` must outlive it. Throws kTruncated.
  explicit TiffDirectory(std::span<const uint8_t> bytes);

  /// The tags in the order in which they lie there, each as often as it is there, whatever its type.
  std::vector<uint32_t> tags() const;
  /// A tag's field, its last one if there are several (as Pillow reads them); none for a tag that is absent or of a
  /// type that TiffType lacks. Throws kTruncated for values that are not inside the bytes.
  std::optional<Field> find(uint32_t tag) const;
  /// All values, or the first, of a tag of bytes, shorts or longs; none if it is absent or of another type.
  std::vector<uint32_t> values(uint32_t tag) const;
  std::optional<uint32_t> first(uint32_t tag) const;
  /// One value of a field of bytes, shorts or longs.
  uint32_t value(const Field& field, uint64_t index) const;
  /// The values as they are stored.
  std::span<const uint8_t> stored(const Field& field) const;

  const ByteReader& reader() const { return reader_; }
  std::endian order() const { return order_; }

 private:
  bool is_number(const Field& field) const;

  std::endian order_;
  ByteReader reader_;
  uint64_t entries_at_;
  uint64_t count_;
};

/// Makes a directory that lies behind everything else in a file and holds only what was put into it.
class TiffDirectoryWriter {
 public:
  explicit TiffDirectoryWriter(std::endian order) : order_(order) {}

  /// `tag`s ascend. `values`: in the file's byte order.
  void add(uint32_t tag, TiffType type, uint64_t count, std::span<const uint8_t> values);
  void add_shorts(uint32_t tag, std::span<const uint32_t> values);
  /// Appends the directory to the file and makes it the only one that the header leads to.
  void put_into(std::vector<uint8_t>& file) const;

 private:
  struct Entry {
    uint32_t tag = 0;
    TiffType type = TiffType::kShort;
    uint64_t count = 0;
    std::vector<uint8_t> values;
  };

  void append(std::vector<uint8_t>& bytes, uint64_t value, size_t width) const;

  std::endian order_;
  std::vector<Entry> entries_;
};

}  // namespace zoo::pipeline
