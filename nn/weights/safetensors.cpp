#include "nn/weights/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/weights/file_access.h"
#include "nn/weights/foreign_file.h"
#include "nn/weights/safetensors_header.h"

namespace zoo::weights {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors data are little-endian and used in place");

constexpr size_t kLengthBytes = 8;
constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // limit of the reference implementation

struct DTypeRow {
  DType type;
  std::string_view name;
  size_t size;
};

constexpr std::array<DTypeRow, 10> kDTypes = {{{DType::kF64, "F64", 8},
                                               {DType::kF32, "F32", 4},
                                               {DType::kF16, "F16", 2},
                                               {DType::kBF16, "BF16", 2},
                                               {DType::kI64, "I64", 8},
                                               {DType::kI32, "I32", 4},
                                               {DType::kI16, "I16", 2},
                                               {DType::kI8, "I8", 1},
                                               {DType::kU8, "U8", 1},
                                               {DType::kBool, "BOOL", 1}}};

const DTypeRow& row_of(DType type) {
  return *std::find_if(kDTypes.begin(), kDTypes.end(), [type](const DTypeRow& row) { return row.type == type; });
}

/// The header's text; throws if its length makes no sense or it cannot be JSON.
std::string_view header_text(std::string_view text, const std::string& file) {
  const auto fail = [&](const std::string& problem) {
    const std::string foreign = describe_foreign_file(text);
    throw WeightError(fmt::format("{}: {}", file, foreign.empty() ? problem : "this is " + foreign));
  };
  if (text.size() < kLengthBytes) {
    fail(fmt::format("{} bytes are too few for a safetensors file", text.size()));
  }
  uint64_t length = 0;
  std::memcpy(&length, text.data(), kLengthBytes);
  if (length == 0) fail("the header length is 0");
  if (length > kMaxHeaderBytes) {
    fail(fmt::format("the header length {} is over the limit of {} bytes; is this a safetensors file?", length,
                     kMaxHeaderBytes));
  }
  if (length > text.size() - kLengthBytes) {
    fail(
        fmt::format("the header length {} reaches past the end of the file, which has {} bytes; is the download "
                    "complete?",
                    length, text.size()));
  }
  const std::string_view header = text.substr(kLengthBytes, length);
  if (header.front() != '{') fail("the header does not begin with '{'");
  return header;
}

}  // namespace

std::string_view to_string(DType type) { return row_of(type).name; }

size_t size_of(DType type) { return row_of(type).size; }

std::optional<DType> dtype_from_name(std::string_view name) {
  for (const DTypeRow& row : kDTypes) {
    if (row.name == name) return row.type;
  }
  return std::nullopt;
}

SafetensorsFile SafetensorsFile::open(const std::filesystem::path& path, FileUse use) {
  const std::shared_ptr<const FileBytes> file_bytes = FileBytes::open(path, use);
  const std::span<const std::byte> bytes = file_bytes->bytes();
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::string_view json = header_text(text, path.string());
  const std::span<const std::byte> data = bytes.subspan(kLengthBytes + json.size());
  SafetensorsHeader header = parse_safetensors_header(json, data.size(), path.string());

  SafetensorsFile file;
  file.path_ = path;
  file.owner_ = file_bytes;
  file.metadata_ = std::move(header.metadata);
  file.tensors_.reserve(header.entries.size());
  for (HeaderEntry& entry : header.entries) {
    file.index_.emplace(entry.name, file.tensors_.size());
    file.tensors_.push_back({std::move(entry.name), entry.dtype, std::move(entry.shape),
                             data.subspan(entry.begin, entry.end - entry.begin)});
  }
  return file;
}

const StoredTensor* SafetensorsFile::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

}  // namespace zoo::weights
