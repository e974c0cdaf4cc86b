// How often which numbers occur in a value, in bounded memory.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "nn/engine/calibration.h"

namespace zoo::engine {

/// Counts in bins of equal width around zero. The width doubles as often as a number needs it.
class Histogram {
 public:
  Histogram();

  /// Zeros are left out: they are exact whatever the range. Numbers that are not finite count as failure.
  void add(std::span<const float> values);
  /// Whether a NaN or an infinity was added.
  bool has_failure() const { return has_failure_; }

  /// low <= 0 <= high.
  std::pair<float, float> range(RangeMethod method) const;

 private:
  void widen();
  float center(int64_t bin) const;
  std::pair<float, float> percentile() const;
  std::pair<float, float> least_error() const;
  double error(float low, float high) const;

  std::vector<int64_t> counts_;
  float width_ = 0.0F;  ///< of a bin; a power of two, 0 before the first number
  float smallest_ = 0.0F;
  float largest_ = 0.0F;
  bool has_failure_ = false;
};

}  // namespace zoo::engine
