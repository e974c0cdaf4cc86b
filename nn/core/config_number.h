// Reading numbers with a range that several parts of a model file share.
#pragma once

#include <vector>

#include <fmt/format.h>

#include "nn/core/config_node.h"

namespace zoo {

/// A number greater than 0 and at most `max`; anything else is recorded as a problem and yields `fallback`.
inline double read_positive(const ConfigNode& node, double max, double fallback) {
  const double value = node.as_double(fallback);
  if (value > 0.0 && value <= max) return value;
  node.problem(fmt::format("must be greater than 0 and at most {}, found {}", max, value));
  return fallback;
}

/// The same for every value of a list; `fallback` is 1.
inline std::vector<double> read_positives(const std::vector<ConfigNode>& items, double max) {
  std::vector<double> values;
  values.reserve(items.size());
  for (const ConfigNode& item : items) values.push_back(read_positive(item, max, 1.0));
  return values;
}

/// `norm_eps`: greater than 0 and less than 1; an absent node yields `fallback`.
inline double read_norm_eps(const ConfigNode& node, double fallback) {
  if (!node) return fallback;
  const double eps = node.as_double(fallback);
  if (eps > 0.0 && eps < 1.0) return eps;
  node.problem(fmt::format("must be greater than 0 and less than 1, found {}", eps));
  return fallback;
}

}  // namespace zoo
