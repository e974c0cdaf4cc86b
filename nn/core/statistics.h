// Figures of a list of measurements.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace zoo {

/// The smallest value that at least `share` (0 to 1) of the values do not exceed: 0.5 yields the (lower) median, 0 the
/// minimum. 0 for no values. Works on a copy.
template <typename T>
T quantile(std::vector<T> values, double share) {
  if (values.empty()) return T{};
  const auto count = static_cast<double>(values.size());
  auto below = static_cast<size_t>(share * count);
  if (static_cast<double>(below) == share * count && below > 0) --below;  // exactly reached by the one before
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(std::min(below, values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

}  // namespace zoo
