#include "serve/inference/oip_tensor.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "nn/core/config_node.h"
#include "nn/core/counted.h"
#include "nn/core/error.h"
#include "nn/core/shown_text.h"
#include "serve/inference/base64.h"
#include "serve/inference/tensor_names.h"

namespace zoo::serve {
namespace {

static_assert(std::endian::native == std::endian::little, "binary tensors are little-endian");

constexpr const char* kBehindLength =
    "; each element stands behind 4 bytes of its length, little-endian (a picture alone, as it is, is sent with "
    "\"Inference-Header-Content-Length: 0\")";

/// Of the protocol; BF16 is Triton's.
const std::vector<std::string>& datatypes() {
  static const std::vector<std::string> kAll = {"BOOL",  "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16",
                                                "INT32", "INT64", "FP16",   "FP32",   "FP64",   "BF16", "BYTES"};
  return kAll;
}

class Converter {
 public:
  Converter(OipInput&& given, std::string_view binary, const TensorInfo& expected)
      : given_(std::move(given)), binary_(binary), expected_(expected) {}

  NamedTensor convert();

 private:
  [[noreturn]] void fail(const std::string& problem) const {
    throw Error(fmt::format("input \"{}\": {}", expected_.name, problem));
  }
  void check_datatype() const;
  void check_shape();
  void check_nesting() const;
  void check_binary_size(size_t element_bytes) const;
  TensorData from_binary() const;
  TensorData texts_from_binary() const;
  TensorData from_json();
  TensorData bytes_from_json();
  TensorData texts_from_json();

  OipInput given_;
  const std::string_view binary_;
  const TensorInfo& expected_;
  int64_t count_ = 0;
};

NamedTensor Converter::convert() {
  check_datatype();
  check_shape();
  if (given_.has_data && given_.binary_bytes) fail("has both \"data\" and \"binary_data_size\"; send one of them");
  if (!given_.has_data && !given_.binary_bytes) fail("has no data: neither \"data\" nor \"binary_data_size\"");
  TensorData data = given_.binary_bytes ? from_binary() : from_json();
  return {expected_.name, expected_.datatype, std::move(given_.shape), std::move(data)};
}

void Converter::check_datatype() const {
  const std::string_view expected = to_string(expected_.datatype);
  if (given_.datatype == expected) return;
  if (given_.datatype.empty()) fail(fmt::format("\"datatype\" is missing; it is {}", expected));
  if (std::ranges::find(datatypes(), given_.datatype) != datatypes().end()) {
    fail(fmt::format("datatype {} is not taken here; it is {}", given_.datatype, expected));
  }
  const std::string nearest = nearest_name(given_.datatype, datatypes());
  fail(fmt::format("datatype \"{}\" is unknown{}; it is {}", shortened(given_.datatype, 40),
                   nearest.empty() ? "" : ", did you mean " + nearest + "?", expected));
}

void Converter::check_shape() {
  const auto text = [](const std::vector<int64_t>& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); };
  if (given_.shape.empty()) fail(fmt::format("\"shape\" is missing; it is {}", text(expected_.shape)));
  if (std::ranges::find(given_.shape, 0) != given_.shape.end()) {
    fail(fmt::format("shape {} has no elements", text(given_.shape)));
  }
  if (!fits_shape(given_.shape, expected_.shape)) {
    fail(fmt::format("shape {} does not fit {}", text(given_.shape), text(expected_.shape)));
  }
  const std::optional<int64_t> count = element_count(given_.shape);
  if (!count) fail(fmt::format("shape {} has more elements than can be counted", text(given_.shape)));
  if (expected_.datatype == Datatype::kBytes && std::cmp_greater(*count, kMaxOipTexts)) {
    fail(fmt::format("shape {} has more elements than the {} that a request may have", text(given_.shape),
                     kMaxOipTexts));
  }
  count_ = *count;
}

void Converter::check_nesting() const {
  if (std::cmp_not_equal(given_.count, count_)) {
    fail(fmt::format("shape [{}] has {}, \"data\" has {}", fmt::join(given_.shape, ", "), counted(count_, "element"),
                     given_.count));
  }
  if (given_.nesting.size() > 1 && !std::ranges::equal(given_.nesting, given_.shape, std::cmp_equal<size_t, int64_t>)) {
    fail(fmt::format("\"data\" is nested as [{}], which is neither flat nor the shape [{}]",
                     fmt::join(given_.nesting, ", "), fmt::join(given_.shape, ", ")));
  }
}

void Converter::check_binary_size(size_t element_bytes) const {
  const size_t bytes = binary_.size();
  if (bytes % element_bytes != 0 || std::cmp_not_equal(bytes / element_bytes, count_)) {
    fail(fmt::format("shape [{}] has {} of {}, \"binary_data_size\" is {}", fmt::join(given_.shape, ", "),
                     counted(count_, "element"), counted(static_cast<int64_t>(element_bytes), "byte"), bytes));
  }
}

template <typename Element>
TensorData copied(std::string_view bytes) {
  std::vector<Element> elements(bytes.size() / sizeof(Element));
  std::memcpy(elements.data(), bytes.data(), bytes.size());
  return elements;
}

TensorData Converter::from_binary() const {
  switch (expected_.datatype) {
    case Datatype::kFp32:
      check_binary_size(sizeof(float));
      return copied<float>(binary_);
    case Datatype::kInt64:
      check_binary_size(sizeof(int64_t));
      return copied<int64_t>(binary_);
    case Datatype::kBool:
    case Datatype::kUint8:
      check_binary_size(1);
      return copied<uint8_t>(binary_);
    case Datatype::kBytes:
      break;
  }
  return texts_from_binary();
}

TensorData Converter::texts_from_binary() const {
  std::string_view rest = binary_;
  if (std::cmp_greater(count_, rest.size() / sizeof(uint32_t))) {
    fail(fmt::format("shape [{}] has {}, each behind 4 bytes of its length; \"binary_data_size\" is {}",
                     fmt::join(given_.shape, ", "), counted(count_, "element"), rest.size()));
  }
  std::vector<std::string> texts;
  texts.reserve(static_cast<size_t>(count_));
  while (!rest.empty()) {
    uint32_t length = 0;
    if (rest.size() < sizeof length)
      fail(fmt::format("{} bytes are left over after element {}{}", rest.size(), texts.size(), kBehindLength));
    std::memcpy(&length, rest.data(), sizeof length);
    rest.remove_prefix(sizeof length);
    if (std::cmp_equal(texts.size(), count_)) fail(fmt::format("more elements than the shape's {}", count_));
    if (length > rest.size()) {
      fail(fmt::format("element {} has {} by its length, {} are left{}", texts.size(), counted(length, "byte"),
                       rest.size(), kBehindLength));
    }
    texts.emplace_back(rest.substr(0, length));
    rest.remove_prefix(length);
  }
  if (std::cmp_not_equal(texts.size(), count_)) {
    fail(fmt::format("{} in its binary data, the shape has {}", counted(static_cast<int64_t>(texts.size()), "element"),
                     count_));
  }
  return texts;
}

TensorData Converter::from_json() {
  check_nesting();
  const bool texts = expected_.datatype == Datatype::kBytes;
  if (given_.has_bools) fail(fmt::format("true and false are no {}", to_string(expected_.datatype)));
  if (!texts && !given_.texts.empty()) fail(fmt::format("a text is no {}", to_string(expected_.datatype)));
  if (texts && given_.texts.size() != given_.count) fail("a number is no BYTES, which are texts in JSON");
  if (texts) return texts_from_json();
  if (expected_.datatype == Datatype::kUint8) return bytes_from_json();
  if (expected_.datatype != Datatype::kFp32) {
    fail(fmt::format("{} is read as binary data only", to_string(expected_.datatype)));
  }
  return std::move(given_.numbers);
}

TensorData Converter::bytes_from_json() {
  if (given_.numbers.empty()) return std::move(given_.bytes);
  // "datatype" came after "data".
  std::vector<uint8_t> bytes;
  bytes.reserve(given_.numbers.size());
  for (const float number : given_.numbers) {
    const bool fits = number >= 0 && number <= 255 && number == static_cast<float>(static_cast<int>(number));
    if (!fits) fail(fmt::format("data[{}]: {} is no UINT8, a whole number from 0 to 255", bytes.size(), number));
    bytes.push_back(static_cast<uint8_t>(number));
  }
  return bytes;
}

TensorData Converter::texts_from_json() {
  if (!holds_files(expected_.name)) return std::move(given_.texts);
  for (size_t i = 0; i < given_.texts.size(); ++i) {
    std::optional<std::string> file = bytes_from_base64(given_.texts[i]);
    if (!file) fail(fmt::format("data[{}] is not base64, which files are in JSON; else send them as binary data", i));
    given_.texts[i] = std::move(*file);
  }
  return std::move(given_.texts);
}

}  // namespace

NamedTensor tensor_from(OipInput&& given, std::string_view binary, const TensorInfo& expected) {
  return Converter(std::move(given), binary, expected).convert();
}

}  // namespace zoo::serve
