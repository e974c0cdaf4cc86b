#include "apps/number_check.h"

#include <charconv>
#include <limits>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "nn/core/parse_number.h"
#include "nn/core/shown_text.h"

namespace zoo::apps {

CLI::Validator number_in(double low, double high) {
  const auto check = [low, high](const std::string& text) -> std::string {
    const std::optional<double> value = parse_number<double>(text, std::chars_format::general);
    if (value && *value >= low && *value <= high) return "";
    return fmt::format("expected a number from {} to {}, found {}", low, high, printable(text));
  };
  return CLI::Validator(check, fmt::format("FLOAT in [{} - {}]", low, high));
}

CLI::Validator count_check() {
  const auto check = [](const std::string& text) -> std::string {
    if (parse_number_in<int64_t>(text, 1, std::numeric_limits<int64_t>::max())) return "";
    return fmt::format("expected a whole number of at least 1, found {}", printable(text));
  };
  return CLI::Validator(check, "POSITIVE");
}

}  // namespace zoo::apps
