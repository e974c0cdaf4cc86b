// Comparison of float tensors that says what a person needs to see: first bad index, both values, largest differences.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace zoo::test {

/// max |actual - expected| <= relative * max |expected|, every value finite.
inline ::testing::AssertionResult close_to_max(std::span<const float> actual, std::span<const float> expected,
                                               double relative) {
  if (actual.size() != expected.size()) {
    return ::testing::AssertionFailure() << actual.size() << " values, expected " << expected.size();
  }
  double largest = 0.0;
  for (float v : expected) largest = std::max(largest, std::abs(static_cast<double>(v)));
  const double allowed = relative * largest;
  double worst = 0.0;
  size_t worst_at = 0;
  size_t first_bad = actual.size();
  for (size_t i = 0; i < actual.size(); ++i) {
    const double difference = std::abs(static_cast<double>(actual[i]) - expected[i]);
    const bool bad = !(difference <= allowed);  // also true for NaN
    if (bad && first_bad == actual.size()) first_bad = i;
    if (!(difference <= worst)) {
      worst = difference;
      worst_at = i;
    }
  }
  if (first_bad == actual.size()) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << fmt::format(
             "first bad index {}: {} instead of {}; largest difference {:.3g} at {} ({:.3g} of the largest value "
             "{:.3g}, "
             "allowed {:.3g})",
             first_bad, actual[first_bad], expected[first_bad], worst, worst_at, worst / largest, largest, relative);
}

}  // namespace zoo::test
