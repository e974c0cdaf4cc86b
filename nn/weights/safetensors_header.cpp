#include "nn/weights/safetensors_header.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "nn/core/error.h"
#include "nn/core/shown_text.h"
#include "nn/core/utf8.h"

namespace zoo::weights {
namespace {

constexpr size_t kMaxNameLength = 1024;
constexpr size_t kMaxRank = 8;
constexpr size_t kShownNameLength = 120;
constexpr size_t kShownNumberLength = 40;
constexpr int kNumberOverflow = 406;  // nlohmann's id of a number beyond the range of double
constexpr std::string_view kMetadataKey = "__metadata__";

/// The first bytes of a text from a file, cut between UTF-8 characters.
std::string cut_after(std::string_view text, size_t limit) {
  if (text.size() <= limit) return std::string(text);
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0U) == 0x80U) --limit;
  return std::string(text.substr(0, limit)) + "...";
}

/// Bytes of a tensor, or nothing if they do not fit 63 bits.
std::optional<uint64_t> byte_size(const Shape& shape, DType dtype) {
  uint64_t size = size_of(dtype);
  for (const int64_t extent : shape.dims) {
    if (__builtin_mul_overflow(size, static_cast<uint64_t>(extent), &size)) return std::nullopt;
  }
  if (size > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return std::nullopt;
  return size;
}

/// Receives the header's JSON token by token and takes nothing but what a header may hold, so that a hostile header
/// costs no more memory than its own text and no recursion.
class HeaderReader final : public nlohmann::json::json_sax_t {
 public:
  HeaderReader(uint64_t data_size, const std::string& file) : data_size_(data_size), file_(file) {}

  SafetensorsHeader take() { return std::move(header_); }

  bool null() override { wrong_value("null"); }
  bool boolean(bool value) override { wrong_value(value ? "true" : "false"); }
  // Whole numbers with a sign; the others come as unsigned.
  bool number_integer(number_integer_t value) override { wrong_value(value == 0 ? "-0" : fmt::format("{}", value)); }
  bool number_unsigned(number_unsigned_t value) override;
  bool number_float(number_float_t, const string_t& text) override { wrong_value(cut_after(text, kShownNumberLength)); }
  bool string(string_t& value) override;
  bool binary(binary_t&) override { wrong_value("binary data"); }
  bool start_object(size_t) override;
  bool key(string_t& name) override;
  bool end_object() override;
  bool start_array(size_t) override;
  bool end_array() override;
  bool parse_error(size_t position, const std::string& token, const nlohmann::json::exception& error) override;

 private:
  enum class Place { kDocument, kTop, kMetadata, kTensor, kShape, kOffsets };

  [[noreturn]] void fail(const std::string& problem) const { throw WeightError(fmt::format("{}: {}", file_, problem)); }
  [[noreturn]] void fail_tensor(const std::string& problem) const {
    fail(fmt::format("tensor {}: {}", quoted_name(tensor_.name), problem));
  }
  /// A value that must not be at this place.
  [[noreturn]] void wrong_value(const std::string& found) const;

  void begin_entry(const std::string& name);
  void finish_tensor();

  uint64_t data_size_;
  const std::string& file_;
  SafetensorsHeader header_;
  std::set<std::string, std::less<>> names_;
  Place place_ = Place::kDocument;
  HeaderEntry tensor_;             ///< being read
  std::set<std::string> fields_;   ///< of that tensor, seen so far
  std::string field_;              ///< the last key inside a tensor or the metadata
  std::vector<uint64_t> offsets_;  ///< of that tensor
};

void HeaderReader::wrong_value(const std::string& found) const {
  switch (place_) {
    case Place::kDocument:
      fail(fmt::format("the header must be a JSON object, found {}", found));
    case Place::kTop:
      if (tensor_.name == kMetadataKey) fail(fmt::format("__metadata__ must be an object of strings, found {}", found));
      fail_tensor(fmt::format("must be an object with dtype, shape and data_offsets, found {}", found));
    case Place::kMetadata:
      fail(fmt::format("__metadata__: {} must be a string, found {}", quoted_name(field_), found));
    case Place::kTensor:
      if (field_ == "dtype") fail_tensor(fmt::format("dtype must be a string, found {}", found));
      fail_tensor(fmt::format("{} must be a list of whole numbers, found {}", field_, found));
    case Place::kShape:
    case Place::kOffsets:
      fail_tensor(fmt::format("{} must hold whole numbers from 0, found {}", field_, found));
  }
  fail("the header is not understood");
}

bool HeaderReader::number_unsigned(number_unsigned_t value) {
  if (place_ == Place::kShape) {
    if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      fail_tensor(fmt::format("shape has the extent {}, which is too large", value));
    }
    if (tensor_.shape.rank() == kMaxRank) fail_tensor(fmt::format("shape has more than {} dimensions", kMaxRank));
    tensor_.shape.dims.push_back(static_cast<int64_t>(value));
    return true;
  }
  if (place_ == Place::kOffsets) {
    if (offsets_.size() == 2) fail_tensor("data_offsets must be two numbers, found more");
    offsets_.push_back(value);
    return true;
  }
  wrong_value(fmt::format("{}", value));
}

bool HeaderReader::string(string_t& value) {
  if (place_ == Place::kMetadata) {
    header_.metadata.emplace(field_, std::move(value));
    return true;
  }
  if (place_ != Place::kTensor || field_ != "dtype") wrong_value("a string");
  const std::optional<DType> dtype = dtype_from_name(value);
  if (!dtype) {
    fail_tensor(fmt::format("dtype {} is not supported (F64, F32, F16, BF16, I64, I32, I16, I8, U8 and BOOL are)",
                            quoted_name(value)));
  }
  tensor_.dtype = *dtype;
  return true;
}

bool HeaderReader::start_object(size_t) {
  if (place_ == Place::kDocument) {
    place_ = Place::kTop;
  } else if (place_ == Place::kTop) {
    place_ = tensor_.name == kMetadataKey ? Place::kMetadata : Place::kTensor;
  } else {
    wrong_value("an object");
  }
  return true;
}

bool HeaderReader::key(string_t& name) {
  if (place_ == Place::kTop) {
    begin_entry(name);
    return true;
  }
  field_ = std::move(name);
  if (place_ == Place::kMetadata) {
    if (header_.metadata.contains(field_)) fail(fmt::format("__metadata__: {} is there twice", quoted_name(field_)));
    return true;
  }
  if (field_ != "dtype" && field_ != "shape" && field_ != "data_offsets") {
    fail_tensor(fmt::format("unknown key {} (dtype, shape and data_offsets are known)", quoted_name(field_)));
  }
  if (!fields_.insert(field_).second) fail_tensor(field_ + " is there twice");
  return true;
}

void HeaderReader::begin_entry(const std::string& name) {
  if (name.empty()) fail("a tensor has an empty name");
  tensor_ = {};
  tensor_.name = name;
  fields_.clear();
  offsets_.clear();
  if (name.find('\0') != std::string::npos) fail_tensor("the name has a NUL character");
  if (name.size() > kMaxNameLength) fail_tensor(fmt::format("the name is longer than {} bytes", kMaxNameLength));
  if (!names_.insert(name).second) {
    if (name == kMetadataKey) fail("__metadata__ is there twice");
    fail_tensor("is there twice");
  }
}

bool HeaderReader::end_object() {
  if (place_ == Place::kTensor) finish_tensor();
  place_ = place_ == Place::kTop ? Place::kDocument : Place::kTop;
  return true;
}

void HeaderReader::finish_tensor() {
  for (const char* const field : {"dtype", "shape", "data_offsets"}) {
    if (!fields_.contains(field)) fail_tensor(fmt::format("{} is missing", field));
  }
  if (offsets_.size() != 2) fail_tensor(fmt::format("data_offsets must be two numbers, found {}", offsets_.size()));
  const uint64_t begin = offsets_[0];
  const uint64_t end = offsets_[1];
  if (begin > end) fail_tensor(fmt::format("data_offsets [{}, {}] are reversed", begin, end));
  if (end > data_size_) {
    fail_tensor(
        fmt::format("data_offsets [{}, {}] reach past the end of the file, which has {} bytes of data; is the "
                    "download complete?",
                    begin, end, data_size_));
  }
  const std::optional<uint64_t> needed = byte_size(tensor_.shape, tensor_.dtype);
  if (!needed) fail_tensor(fmt::format("shape {} is too large", tensor_.shape.to_string()));
  if (*needed != end - begin) {
    fail_tensor(fmt::format("shape {} of {} needs {} bytes, but data_offsets [{}, {}] hold {}",
                            tensor_.shape.to_string(), to_string(tensor_.dtype), *needed, begin, end, end - begin));
  }
  tensor_.begin = begin;
  tensor_.end = end;
  header_.entries.push_back(std::move(tensor_));
}

bool HeaderReader::start_array(size_t) {
  if (place_ != Place::kTensor || field_ == "dtype") wrong_value("a list");
  place_ = field_ == "shape" ? Place::kShape : Place::kOffsets;
  return true;
}

bool HeaderReader::end_array() {
  place_ = Place::kTensor;
  return true;
}

bool HeaderReader::parse_error(size_t position, const std::string& token, const nlohmann::json::exception& error) {
  if (error.id == kNumberOverflow) wrong_value(cut_after(token, kShownNumberLength));
  fail(fmt::format("the header is not valid JSON (at byte {} of the header)", position));
}

void check_layout(const std::vector<HeaderEntry>& entries, uint64_t data_size, const std::string& file) {
  const HeaderEntry* previous = nullptr;
  for (const HeaderEntry& entry : entries) {
    const uint64_t expected = previous == nullptr ? 0 : previous->end;
    if (entry.begin < expected) {
      throw WeightError(fmt::format("{}: tensor {}: its data at [{}, {}] overlap those of {} at [{}, {}]", file,
                                    quoted_name(entry.name), entry.begin, entry.end, quoted_name(previous->name),
                                    previous->begin, previous->end));
    }
    if (entry.begin > expected) {
      throw WeightError(fmt::format("{}: tensor {}: its data begin at {}, but the data before end at {} (a hole)", file,
                                    quoted_name(entry.name), entry.begin, expected));
    }
    previous = &entry;
  }
  const uint64_t used = previous == nullptr ? 0 : previous->end;
  if (used != data_size) {
    throw WeightError(fmt::format("{}: {} bytes after the last tensor belong to nothing", file, data_size - used));
  }
}

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view json, uint64_t data_size, const std::string& file) {
  if (json.empty() || json.front() != '{') {
    throw WeightError(fmt::format("{}: the header does not begin with '{{'", file));
  }
  // nlohmann takes a NUL byte for the end of the text and would not look at what follows.
  if (const size_t nul = json.find('\0'); nul != std::string_view::npos) {
    throw WeightError(fmt::format("{}: the header is not valid JSON (at byte {} of the header)", file, nul + 1));
  }
  HeaderReader reader(data_size, file);
  nlohmann::json::sax_parse(json.begin(), json.end(), &reader);
  SafetensorsHeader header = reader.take();
  std::stable_sort(header.entries.begin(), header.entries.end(), [](const HeaderEntry& a, const HeaderEntry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  check_layout(header.entries, data_size, file);
  return header;
}

std::string printable_name(std::string_view name) {
  const std::string cut = cut_after(name, kShownNameLength);
  std::string text;
  for (size_t i = 0; i < cut.size();) {
    const size_t length = std::max<size_t>(utf8_sequence_length(cut, i), 1);
    const bool ambiguous = cut[i] == '"' || cut[i] == '\\';  // between quotes, beside escapes
    text += ambiguous ? fmt::format("\\x{:02x}", static_cast<unsigned char>(cut[i]))
                      : printable(std::string_view(cut).substr(i, length));
    i += length;
  }
  return text;
}

std::string quoted_name(std::string_view name) { return '"' + printable_name(name) + '"'; }

}  // namespace zoo::weights
