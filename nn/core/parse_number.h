// Numbers from text that must be nothing else.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace zoo {

/// The whole text as std::from_chars reads it (no white space, no plus); empty if it is anything else or does not fit.
/// `format`: the base of a whole number, or a std::chars_format.
template <typename Number, typename... Format>
std::optional<Number> parse_number(std::string_view text, Format... format) {
  Number value{};
  const char* const end = text.data() + text.size();
  const auto [parsed, error] = std::from_chars(text.data(), end, value, format...);
  if (error != std::errc{} || parsed != end) return std::nullopt;
  return value;
}

/// The same for numbers from `low` to `high`, which NaN is not.
template <typename Number>
std::optional<Number> parse_number_in(std::string_view text, Number low, Number high) {
  const std::optional<Number> value = parse_number<Number>(text);
  if (!value || !(*value >= low && *value <= high)) return std::nullopt;
  return value;
}

}  // namespace zoo
