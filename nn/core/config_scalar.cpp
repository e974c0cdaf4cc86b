#include "nn/core/config_scalar.h"

#include <algorithm>
#include <array>
#include <string>

#include "nn/core/parse_number.h"

namespace zoo::detail {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_octal_digit(char c) { return c >= '0' && c <= '7'; }
bool is_hex_digit(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

template <size_t size>
bool contains(const std::array<std::string_view, size>& words, std::string_view text) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

constexpr std::array<std::string_view, 9> kTrue = {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"};
constexpr std::array<std::string_view, 9> kFalse = {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"};
constexpr std::array<std::string_view, 4> kNull = {"~", "null", "Null", "NULL"};
constexpr std::array<std::string_view, 3> kInfinity = {".inf", ".Inf", ".INF"};
constexpr std::array<std::string_view, 3> kNotANumber = {".nan", ".NaN", ".NAN"};

std::string_view without_sign(std::string_view text) {
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) text.remove_prefix(1);
  return text;
}

bool has_prefix_and_digits(std::string_view text, std::string_view prefix, bool (*digit)(char)) {
  return text.size() > prefix.size() && text.starts_with(prefix) &&
         std::all_of(text.begin() + static_cast<std::ptrdiff_t>(prefix.size()), text.end(), digit);
}

size_t take_digits(std::string_view& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
  const auto count = static_cast<size_t>(end - text.begin());
  text.remove_prefix(count);
  return count;
}

// [sign] digits [. digits] [e [sign] digits] with at least one digit before or after the point.
ScalarLook decimal_look(std::string_view text) {
  text = without_sign(text);
  const bool leading_zero = text.size() > 1 && text[0] == '0';
  size_t digits = take_digits(text);
  bool has_point = false;
  if (text.starts_with('.')) {
    has_point = true;
    text.remove_prefix(1);
    digits += take_digits(text);
  }
  if (digits == 0) return ScalarLook::kText;
  bool has_exponent = false;
  if (text.starts_with('e') || text.starts_with('E')) {
    has_exponent = true;
    text.remove_prefix(1);
    text = without_sign(text);
    if (take_digits(text) == 0) return ScalarLook::kText;
  }
  if (!text.empty()) return ScalarLook::kText;
  if (has_point) return ScalarLook::kFraction;
  if (has_exponent) return ScalarLook::kExponent;
  return leading_zero ? ScalarLook::kLeadingZero : ScalarLook::kInt;
}

bool is_number_with_underscores(std::string_view text) {
  const std::string_view unsigned_text = without_sign(text);
  if (unsigned_text.empty() || !is_digit(unsigned_text[0]) || text.find('_') == text.npos) return false;
  std::string joined(text);
  std::erase(joined, '_');
  return decimal_look(joined) != ScalarLook::kText;
}

// from_chars reads a minus sign, but no plus.
std::string_view without_plus(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  return text;
}

}  // namespace

ScalarLook look_of(std::string_view text) {
  if (text.empty() || contains(kNull, text)) return ScalarLook::kNull;
  if (parse_bool(text)) return ScalarLook::kBool;
  if (has_prefix_and_digits(text, "0x", is_hex_digit) || has_prefix_and_digits(text, "0o", is_octal_digit)) {
    return ScalarLook::kInt;
  }
  if (contains(kInfinity, without_sign(text)) || contains(kNotANumber, text)) return ScalarLook::kNotFinite;
  const ScalarLook look = decimal_look(text);
  return look == ScalarLook::kText && is_number_with_underscores(text) ? ScalarLook::kUnderscores : look;
}

std::optional<bool> parse_bool(std::string_view text) {
  if (contains(kTrue, text)) return true;
  if (contains(kFalse, text)) return false;
  return std::nullopt;
}

std::optional<int64_t> parse_int(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x")) base = 16;
  if (text.starts_with("0o")) base = 8;
  text = base == 10 ? without_plus(text) : text.substr(2);
  return parse_number<int64_t>(text, base);
}

std::optional<double> parse_double(std::string_view text) { return parse_number<double>(without_plus(text)); }

bool is_decimal(std::string_view text) { return !text.starts_with("0x") && !text.starts_with("0o"); }

}  // namespace zoo::detail
