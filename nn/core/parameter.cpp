#include "nn/core/parameter.h"

#include <algorithm>

namespace zoo {

std::optional<int> ParameterRole::count(std::string_view name) const {
  const auto found = std::ranges::find(counts, name, &Count::name);
  return found == counts.end() ? std::nullopt : std::optional(found->value);
}

void ParameterRole::set_count(std::string_view name, int value) {
  const auto found = std::ranges::find(counts, name, &Count::name);
  if (found == counts.end()) {
    counts.push_back({std::string(name), value});
  } else {
    found->value = value;
  }
}

}  // namespace zoo
