// What the text of a plain YAML scalar means. Internal to nn/core.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace zoo::detail {

/// What a text reads as without quotes.
enum class ScalarLook {
  kText,
  kNull,
  kBool,         ///< true/false, yes/no, on/off
  kInt,          ///< decimal, 0x.., 0o..
  kLeadingZero,  ///< 010: decimal for some readers, octal for others
  kFraction,     ///< 3.0
  kExponent,     ///< 1e3, without a fraction part
  kNotFinite,    ///< .inf, .nan
  kUnderscores,  ///< 1_000: a number in YAML 1.1 only
};

ScalarLook look_of(std::string_view text);

/// true/false, yes/no, on/off in the three capitalisations of YAML 1.1 (`yes`, `Yes`, `YES`).
std::optional<bool> parse_bool(std::string_view text);
/// Value of a kInt text; empty if it does not fit.
std::optional<int64_t> parse_int(std::string_view text);
/// Value of a decimal kInt, kFraction or kExponent text; empty if it does not fit.
std::optional<double> parse_double(std::string_view text);
bool is_decimal(std::string_view text);

}  // namespace zoo::detail
