#include "serve/inference/oip_json.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "nn/core/config_node.h"
#include "nn/core/error.h"
#include "nn/core/shown_text.h"
#include "serve/inference/oip_data.h"

namespace zoo::serve {
namespace {

constexpr size_t kMaxTensors = 64;
constexpr size_t kMaxParameters = 64;

/// Where in the document the next token stands.
enum class At {
  kStart,
  kRequest,
  kParameters,
  kInputs,
  kInput,
  kInputParameters,
  kShape,
  kData,
  kOutputs,
  kOutput,
  kOutputParameters
};

using Scalar = std::variant<std::nullptr_t, bool, int64_t, uint64_t, double, std::string>;

const std::vector<std::string>& keys_of(At at) {
  static const std::map<At, std::vector<std::string>> kKeys = {
      {At::kRequest, {"id", "parameters", "inputs", "outputs", "model_name", "model_version"}},
      {At::kParameters, {"binary_data_output", "timeout", "priority", "sequence_id", "sequence_start", "sequence_end"}},
      {At::kInput, {"name", "shape", "datatype", "parameters", "data"}},
      {At::kInputParameters, {"binary_data_size"}},
      {At::kOutput, {"name", "parameters"}},
      {At::kOutputParameters, {"binary_data", "classification"}},
  };
  return kKeys.at(at);
}

bool is_parameters(At at) { return at == At::kParameters || at == At::kInputParameters || at == At::kOutputParameters; }

class RequestReader final : public nlohmann::json::json_sax_t {
 public:
  explicit RequestReader(std::string_view json) : json_(json) {}

  OipRequestJson take() { return std::move(request_); }

  bool null() override { return scalar(nullptr); }
  bool boolean(bool value) override { return scalar(value); }
  bool number_integer(number_integer_t value) override {
    return at() == At::kData ? number(static_cast<double>(value), static_cast<float>(value)) : scalar(value);
  }
  bool number_unsigned(number_unsigned_t value) override {
    return at() == At::kData ? number(static_cast<double>(value), static_cast<float>(value)) : scalar(value);
  }
  bool number_float(number_float_t value, const string_t& text) override;
  bool binary(binary_t&) override { return false; }
  bool string(string_t& text) override;
  bool start_object(size_t) override;
  bool key(string_t& name) override;
  bool end_object() override;
  bool start_array(size_t) override;
  bool end_array() override;
  bool parse_error(size_t position, const std::string&, const nlohmann::json::exception& error) override;

 private:
  At at() const { return path_.back(); }
  OipInput& input() { return request_.inputs.back(); }
  OipOutput& output() { return request_.outputs.back(); }
  void enter(At at) {
    path_.push_back(at);
    seen_[at].clear();
  }

  /// "inputs[0].shape", of the value that is read.
  std::string where() const;
  [[noreturn]] void fail(const std::string& problem) const { throw Error(fmt::format("{}: {}", where(), problem)); }
  [[noreturn]] void fail_kind(std::string_view expected) const { fail(fmt::format("{} is expected", expected)); }
  [[noreturn]] void fail_kind_here() const;
  bool begins_list(At list) const;

  bool scalar(Scalar value);
  void request_value(const Scalar& value);
  void parameter(Scalar value);
  void input_value(Scalar value);
  void input_parameter(const Scalar& value);
  void output_value(Scalar value);
  void output_parameter(const Scalar& value);
  void dimension(const Scalar& value);

  OipValue own_value(Scalar value) const;
  std::string text_of(Scalar value) const;
  bool bool_of(const Scalar& value) const;
  int64_t count_of(const Scalar& value) const;

  bool number(double value, float nearest) { return data_.number(value, nearest) || fail_data(); }
  [[noreturn]] bool fail_data() const { fail(data_.problem()); }

  const std::string_view json_;
  OipRequestJson request_;
  std::vector<At> path_ = {At::kStart};
  std::map<At, std::vector<std::string>> seen_;  ///< keys of the objects that are open
  std::string key_;
  OipDataReader data_;
};

std::string RequestReader::where() const {
  std::string place;
  for (const At step : path_) {
    if (step == At::kInputs) place = fmt::format("inputs[{}]", request_.inputs.size() - (at() == step ? 0 : 1));
    if (step == At::kOutputs) place = fmt::format("outputs[{}]", request_.outputs.size() - (at() == step ? 0 : 1));
    if (is_parameters(step)) place += place.empty() ? "parameters" : ".parameters";
    if (step == At::kShape) place += fmt::format(".shape[{}]", request_.inputs.back().shape.size());
    if (step == At::kData) place += fmt::format(".data[{}]", request_.inputs.back().count);
  }
  const bool has_key = at() != At::kStart && at() != At::kInputs && at() != At::kOutputs && at() != At::kShape &&
                       at() != At::kData && !key_.empty();
  if (has_key && !place.empty()) place += '.';
  if (has_key) place += shortened(key_, 40);
  return place.empty() ? "the request" : place;
}

void RequestReader::fail_kind_here() const {
  switch (at()) {
    case At::kStart:
    case At::kInputs:
    case At::kOutputs:
      fail_kind("an object");
    case At::kShape:
      fail_kind("a whole number");
    case At::kData:
      fail_kind("a list of numbers, or of texts");
    case At::kParameters:
    case At::kInputParameters:
    case At::kOutputParameters:
      fail_kind("a text, a number, true or false");
    default:
      break;
  }
  if (key_ == "inputs" || key_ == "outputs" || key_ == "shape" || key_ == "data") fail_kind("a list");
  fail_kind(key_ == "parameters" ? "an object" : "a text");
}

bool RequestReader::start_object(size_t) {
  if (at() == At::kStart) {
    enter(At::kRequest);
  } else if (at() == At::kInputs) {
    if (request_.inputs.size() == kMaxTensors) fail(fmt::format("more than {} inputs", kMaxTensors));
    request_.inputs.emplace_back();
    enter(At::kInput);
  } else if (at() == At::kOutputs) {
    if (request_.outputs.size() == kMaxTensors) fail(fmt::format("more than {} outputs", kMaxTensors));
    request_.outputs.emplace_back();
    enter(At::kOutput);
  } else if (key_ == "parameters" && at() == At::kRequest) {
    enter(At::kParameters);
  } else if (key_ == "parameters" && at() == At::kInput) {
    enter(At::kInputParameters);
  } else if (key_ == "parameters" && at() == At::kOutput) {
    enter(At::kOutputParameters);
  } else {
    fail_kind_here();
  }
  key_.clear();
  return true;
}

bool RequestReader::end_object() {
  path_.pop_back();
  key_.clear();
  return true;
}

bool RequestReader::key(string_t& name) {
  key_ = name;
  std::vector<std::string>& seen = seen_[at()];
  if (std::ranges::find(seen, name) != seen.end()) fail("is there twice");
  const std::vector<std::string>& known = keys_of(at());
  if (std::ranges::find(known, name) == known.end()) {
    if (is_parameters(at()) && name.starts_with("shared_memory_")) {
      fail("memory is not shared with clients here; send the data, e.g. as binary_data");
    }
    const std::string nearest = nearest_name(name, known);
    if (!nearest.empty()) fail(fmt::format("is unknown, did you mean {}?", nearest));
    if (!is_parameters(at())) fail(fmt::format("is unknown; there are {}", fmt::join(known, ", ")));
  }
  if (seen.size() == kMaxParameters) fail(fmt::format("more than {} parameters", kMaxParameters));
  seen.push_back(name);
  return true;
}

bool RequestReader::begins_list(At list) const {
  switch (list) {
    case At::kInputs:
      return at() == At::kRequest && key_ == "inputs";
    case At::kOutputs:
      return at() == At::kRequest && key_ == "outputs";
    case At::kShape:
      return at() == At::kInput && key_ == "shape";
    case At::kData:
      return at() == At::kData || (at() == At::kInput && key_ == "data");
    default:
      return false;
  }
}

bool RequestReader::start_array(size_t) {
  for (const At list : {At::kInputs, At::kOutputs, At::kShape, At::kData}) {
    if (!begins_list(list)) continue;
    if (at() != At::kData) {
      enter(list);
      if (list == At::kData) data_.begin(input());
    }
    return list != At::kData || data_.open_list() || fail_data();
  }
  fail_kind_here();
}

bool RequestReader::end_array() {
  if (at() == At::kData) {
    if (!data_.close_list()) fail_data();
    if (!data_.is_complete()) return true;
  }
  path_.pop_back();
  key_.clear();
  return true;
}

bool RequestReader::number_float(number_float_t value, const string_t& text) {
  if (at() != At::kData) return scalar(value);
  float nearest = static_cast<float>(value);  // which rounds twice
  std::from_chars(text.data(), text.data() + text.size(), nearest);
  return number(value, nearest);
}

bool RequestReader::string(string_t& text) {
  if (at() != At::kData) return scalar(std::move(text));
  return data_.text(std::move(text)) || fail_data();
}

bool RequestReader::scalar(Scalar value) {
  switch (at()) {
    case At::kRequest:
      request_value(value);
      break;
    case At::kParameters:
      parameter(std::move(value));
      break;
    case At::kInput:
      input_value(std::move(value));
      break;
    case At::kInputParameters:
      input_parameter(value);
      break;
    case At::kOutput:
      output_value(std::move(value));
      break;
    case At::kOutputParameters:
      output_parameter(value);
      break;
    case At::kShape:
      dimension(value);
      break;
    case At::kData:
      if (!std::holds_alternative<bool>(value)) fail("null is no element");
      return data_.truth() || fail_data();
    default:
      fail_kind_here();
  }
  return true;
}

std::string RequestReader::text_of(Scalar value) const {
  if (auto* text = std::get_if<std::string>(&value)) return std::move(*text);
  fail_kind("a text");
}

bool RequestReader::bool_of(const Scalar& value) const {
  if (const auto* truth = std::get_if<bool>(&value)) return *truth;
  fail_kind("true or false");
}

int64_t RequestReader::count_of(const Scalar& value) const {
  constexpr uint64_t kMost = std::numeric_limits<int64_t>::max();
  if (const auto* count = std::get_if<uint64_t>(&value)) {
    if (*count > kMost) fail(fmt::format("{} is more than {}", *count, kMost));
    return static_cast<int64_t>(*count);
  }
  if (const auto* count = std::get_if<int64_t>(&value)) fail(fmt::format("{} is negative", *count));
  fail_kind("a whole number");
}

void RequestReader::request_value(const Scalar& value) {
  if (std::holds_alternative<std::nullptr_t>(value) && key_ != "inputs") return;
  if (key_ == "id") {
    request_.id = text_of(value);
  } else if (key_ != "model_name" && key_ != "model_version") {  // the address says it
    fail_kind_here();
  }
}

OipValue RequestReader::own_value(Scalar value) const {
  if (const auto* truth = std::get_if<bool>(&value)) return *truth;
  if (const auto* negative = std::get_if<int64_t>(&value)) return *negative;
  if (const auto* number = std::get_if<double>(&value)) return *number;
  if (std::holds_alternative<uint64_t>(value)) return count_of(value);
  return text_of(std::move(value));
}

void RequestReader::parameter(Scalar value) {
  if (std::holds_alternative<std::nullptr_t>(value)) return;
  if (key_ == "binary_data_output") {
    request_.binary_outputs = bool_of(value);
  } else if (key_ == "timeout") {
    request_.timeout_us = count_of(value);
  } else if (const auto& known = keys_of(At::kParameters); std::ranges::find(known, key_) == known.end()) {
    request_.parameters.emplace_back(key_, own_value(std::move(value)));
  }
}

void RequestReader::input_value(Scalar value) {
  if (key_ == "name") {
    input().name = text_of(std::move(value));
  } else if (key_ == "datatype") {
    input().datatype = text_of(std::move(value));
  } else if (!std::holds_alternative<std::nullptr_t>(value) || key_ == "shape") {
    fail_kind_here();
  }
}

void RequestReader::input_parameter(const Scalar& value) {
  if (key_ == "binary_data_size") input().binary_bytes = count_of(value);
}

void RequestReader::output_value(Scalar value) {
  if (key_ == "name") {
    output().name = text_of(std::move(value));
  } else if (!std::holds_alternative<std::nullptr_t>(value)) {
    fail_kind_here();
  }
}

void RequestReader::output_parameter(const Scalar& value) {
  if (key_ == "binary_data") {
    output().binary = bool_of(value);
  } else if (key_ == "classification") {
    output().classes = count_of(value);
    if (output().classes == 0) fail("0 is no number of classes");
  }
}

void RequestReader::dimension(const Scalar& value) {
  const int64_t size = count_of(value);
  if (input().shape.size() == kMaxOipRank) fail(fmt::format("a shape has at most {} dimensions", kMaxOipRank));
  input().shape.push_back(size);
}

bool RequestReader::parse_error(size_t position, const std::string&, const nlohmann::json::exception& error) {
  constexpr int kNumberOverflow = 406;  // nlohmann's out_of_range
  if (error.id == kNumberOverflow) fail("a number is more than an FP32 holds");
  const std::string_view rest = json_.substr(std::min(json_.size(), position == 0 ? 0 : position - 1));
  const bool no_number = rest.starts_with("NaN") || rest.starts_with("Inf");
  throw Error(fmt::format("the request is not valid JSON (at byte {}){}", position,
                          no_number ? "; NaN and Infinity are no JSON: send such values as binary data" : ""));
}

}  // namespace

OipRequestJson parse_oip_json(std::string_view json) {
  // nlohmann takes a NUL byte for the end of the text and would not look at what follows.
  if (const size_t nul = json.find('\0'); nul != std::string_view::npos) {
    throw Error(fmt::format("the request is not valid JSON (at byte {})", nul + 1));
  }
  RequestReader reader(json);
  nlohmann::json::sax_parse(json.begin(), json.end(), &reader);
  return reader.take();
}

}  // namespace zoo::serve
