#include <algorithm>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "nn/core/config_context.h"
#include "nn/core/config_node.h"
#include "nn/core/config_scalar.h"
#include "nn/core/config_text.h"

namespace zoo {

using detail::in_quotes;
using detail::NodeKind;
using detail::ScalarLook;
using detail::YamlNode;

namespace {

constexpr int64_t kLowest = std::numeric_limits<int64_t>::min();
constexpr int64_t kHighest = std::numeric_limits<int64_t>::max();
constexpr size_t kMaxExpectedChoices = 12;

ScalarLook look_of(const YamlNode& node) {
  return node.kind == NodeKind::kScalar ? detail::look_of(node.text) : ScalarLook::kText;
}

// "010" -> "10 or 0o10"; "08" and "-010" cannot be octal.
std::string leading_zero_hint(std::string_view text, bool octal_allowed) {
  const bool has_sign = text[0] == '+' || text[0] == '-';
  const std::string_view digits = text.substr(has_sign ? 1 : 0);
  const std::string_view significant = digits.substr(std::min(digits.find_first_not_of('0'), digits.size() - 1));
  const bool may_be_octal = octal_allowed && !has_sign && digits.find_first_of("89") == digits.npos;
  const std::string_view sign = text.substr(0, text[0] == '-' ? 1 : 0);
  std::string hint = fmt::format(": a leading zero can mean octal; write {}{}", sign, significant);
  if (may_be_octal && significant.size() > 1) hint += fmt::format(" or 0o{}", significant);
  return hint;
}

std::string int_hint(const YamlNode& node) {
  const ScalarLook look = look_of(node);
  if (!node.plain) return look == ScalarLook::kInt ? "; remove the quotes" : "";
  switch (look) {
    case ScalarLook::kFraction:
      return ", a number with a fraction part";
    case ScalarLook::kExponent:
      return ", a number with an exponent";
    case ScalarLook::kUnderscores:
      return "; remove the underscores";
    case ScalarLook::kLeadingZero:
      return leading_zero_hint(node.text, true);
    default:
      return "";
  }
}

bool is_double(const YamlNode& node) {
  const ScalarLook look = look_of(node);
  return look == ScalarLook::kFraction || look == ScalarLook::kExponent ||
         (look == ScalarLook::kInt && detail::is_decimal(node.text));
}

std::string double_hint(const YamlNode& node) {
  if (!node.plain) return is_double(node) ? "; remove the quotes" : "";
  switch (look_of(node)) {
    case ScalarLook::kInt:
      return "; write it in decimal";
    case ScalarLook::kNotFinite:
      return ", which is not finite";
    case ScalarLook::kUnderscores:
      return "; remove the underscores";
    case ScalarLook::kLeadingZero:
      return leading_zero_hint(node.text, false);
    default:
      return "";
  }
}

}  // namespace

int64_t ConfigNode::as_int(int64_t fallback) const { return as_int_in(kLowest, kHighest, fallback); }

int64_t ConfigNode::as_int_in(int64_t min, int64_t max, int64_t fallback) const {
  if (!exists()) return fallback;
  if (!node_->plain || look_of(*node_) != ScalarLook::kInt) {
    fail_expected("a whole number", int_hint(*node_));
    return fallback;
  }
  const std::optional<int64_t> value = detail::parse_int(node_->text);
  if (value && *value >= min && *value <= max) return *value;
  if (value && *value < min && max == kHighest) {
    fail(fmt::format("must be at least {}, found {}", min, describe()));
  } else {
    fail(fmt::format("must be between {} and {}, found {}", min, max, describe()));
  }
  return fallback;
}

double ConfigNode::as_double(double fallback) const {
  if (!exists()) return fallback;
  if (!node_->plain || !is_double(*node_)) {
    fail_expected("a number", double_hint(*node_));
    return fallback;
  }
  const std::optional<double> value = detail::parse_double(node_->text);
  if (!value) fail_expected("a number", ", which is out of range");
  return value.value_or(fallback);
}

bool ConfigNode::as_bool(bool fallback) const {
  if (!exists()) return fallback;
  const std::optional<bool> value = is_scalar() ? detail::parse_bool(node_->text) : std::nullopt;
  if (value && node_->plain) return *value;
  fail_expected("true or false", value ? "; remove the quotes" : "");
  return fallback;
}

std::string ConfigNode::as_string(std::string fallback) const {
  if (!exists()) return fallback;
  if (is_scalar()) return std::string(node_->text);
  fail_expected("a string");
  return fallback;
}

std::vector<int64_t> ConfigNode::as_int_list() const {
  std::vector<int64_t> values;
  for (const ConfigNode& item : items()) values.push_back(item.as_int());
  return values;
}

std::vector<double> ConfigNode::as_double_list() const {
  std::vector<double> values;
  for (const ConfigNode& item : items()) values.push_back(item.as_double());
  return values;
}

std::vector<bool> ConfigNode::as_bool_list() const {
  std::vector<bool> values;
  for (const ConfigNode& item : items()) values.push_back(item.as_bool());
  return values;
}

std::vector<std::string> ConfigNode::as_string_list() const {
  std::vector<std::string> values;
  for (const ConfigNode& item : items()) values.push_back(item.as_string());
  return values;
}

std::optional<size_t> ConfigNode::as_choice(std::span<const std::string> choices, std::string_view what) const {
  if (!exists()) return std::nullopt;
  if (!is_scalar()) {
    const bool few = choices.size() <= kMaxExpectedChoices;
    fail_expected(few ? fmt::format("one of {}", fmt::join(choices, ", ")) : "a name");
    return std::nullopt;
  }
  const auto found = std::find(choices.begin(), choices.end(), node_->text);
  if (found != choices.end()) return static_cast<size_t>(found - choices.begin());
  const std::string nearest = nearest_name(node_->text, choices);
  fail(nearest.empty()
           ? fmt::format("unknown {} {}; known: {}", what, in_quotes(node_->text), fmt::join(choices, ", "))
           : fmt::format("unknown {} {}; did you mean {}?", what, in_quotes(node_->text), in_quotes(nearest)));
  return std::nullopt;
}

}  // namespace zoo
