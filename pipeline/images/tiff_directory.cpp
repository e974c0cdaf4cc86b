#include "pipeline/images/tiff_directory.h"

#include <algorithm>

namespace zoo::pipeline {
namespace {

constexpr std::string_view kFormat = "TIFF";
constexpr uint64_t kEntrySize = 12;
constexpr uint64_t kInlineSize = 4;  ///< values of so many bytes lie in the entry itself

}  // namespace

uint64_t size_of(TiffType type) {
  switch (type) {
    case TiffType::kByte:
    case TiffType::kUndefined:
      return 1;
    case TiffType::kShort:
      return 2;
    case TiffType::kLong:
      return 4;
    case TiffType::kRational:
      return 8;
  }
  return 0;
}

TiffDirectory::TiffDirectory(std::span<const uint8_t> bytes)
    : order_(!bytes.empty() && bytes[0] == 'M' ? std::endian::big : std::endian::little),
      reader_(bytes, order_, kFormat),
      entries_at_(uint64_t{reader_.u32(4)} + 2),
      count_(reader_.u16(entries_at_ - 2)) {
  reader_.slice(entries_at_, count_ * kEntrySize);
}

std::vector<uint32_t> TiffDirectory::tags() const {
  std::vector<uint32_t> result;
  for (uint64_t i = 0; i < count_; ++i) result.push_back(reader_.u16(entries_at_ + i * kEntrySize));
  return result;
}

std::optional<TiffDirectory::Field> TiffDirectory::find(uint32_t tag) const {
  for (uint64_t i = count_; i > 0; --i) {
    const uint64_t at = entries_at_ + (i - 1) * kEntrySize;
    if (reader_.u16(at) != tag) continue;
    Field field{tag, static_cast<TiffType>(reader_.u16(at + 2)), reader_.u32(at + 4), at + 8};
    const uint64_t size = field.count * size_of(field.type);
    if (size_of(field.type) == 0) return std::nullopt;
    if (size > kInlineSize) field.at = reader_.u32(at + 8);
    reader_.slice(field.at, size);
    return field;
  }
  return std::nullopt;
}

std::vector<uint32_t> TiffDirectory::values(uint32_t tag) const {
  std::vector<uint32_t> result;
  const std::optional<Field> field = find(tag);
  if (!field || !is_number(*field)) return result;
  for (uint64_t i = 0; i < field->count; ++i) result.push_back(value(*field, i));
  return result;
}

std::optional<uint32_t> TiffDirectory::first(uint32_t tag) const {
  const std::optional<Field> field = find(tag);
  return field && is_number(*field) && field->count > 0 ? std::optional(value(*field, 0)) : std::nullopt;
}

std::span<const uint8_t> TiffDirectory::stored(const Field& field) const {
  return reader_.slice(field.at, field.count * size_of(field.type));
}

bool TiffDirectory::is_number(const Field& field) const {
  return field.type == TiffType::kByte || field.type == TiffType::kShort || field.type == TiffType::kLong;
}

uint32_t TiffDirectory::value(const Field& field, uint64_t index) const {
  const uint64_t at = field.at + index * size_of(field.type);
  if (field.type == TiffType::kByte) return reader_.slice(at, 1).front();
  return field.type == TiffType::kShort ? reader_.u16(at) : reader_.u32(at);
}

void TiffDirectoryWriter::add(uint32_t tag, TiffType type, uint64_t count, std::span<const uint8_t> values) {
  entries_.push_back({tag, type, count, {values.begin(), values.end()}});
}

void TiffDirectoryWriter::add_shorts(uint32_t tag, std::span<const uint32_t> values) {
  std::vector<uint8_t> stored;
  for (const uint32_t value : values) append(stored, value, 2);
  add(tag, TiffType::kShort, values.size(), stored);
}

void TiffDirectoryWriter::put_into(std::vector<uint8_t>& file) const {
  if (file.size() % 2 != 0) file.push_back(0);  // directories and values begin on a word
  const uint64_t begin = file.size();
  uint64_t values_at = begin + 2 + entries_.size() * kEntrySize + 4;
  std::vector<uint8_t> values;
  append(file, entries_.size(), 2);
  for (const Entry& entry : entries_) {
    append(file, entry.tag, 2);
    append(file, static_cast<uint64_t>(entry.type), 2);
    append(file, entry.count, 4);
    if (entry.values.size() <= kInlineSize) {
      file.insert(file.end(), entry.values.begin(), entry.values.end());
      file.resize(file.size() + kInlineSize - entry.values.size());
      continue;
    }
    append(file, values_at + values.size(), 4);
    values.insert(values.end(), entry.values.begin(), entry.values.end());
    if (values.size() % 2 != 0) values.push_back(0);
  }
  append(file, 0, 4);  // no directory follows
  file.insert(file.end(), values.begin(), values.end());
  std::vector<uint8_t> header;
  append(header, begin, 4);
  std::ranges::copy(header, file.begin() + 4);
}

void TiffDirectoryWriter::append(std::vector<uint8_t>& bytes, uint64_t value, size_t width) const {
  for (size_t i = 0; i < width; ++i) {
    const size_t byte = order_ == std::endian::big ? width - 1 - i : i;
    bytes.push_back(static_cast<uint8_t>(value >> (8 * byte)));
  }
}

}  // namespace zoo::pipeline
