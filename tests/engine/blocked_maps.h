// Random values, and maps in the blocked layout of one set of kernels.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "nn/core/shape.h"
#include "nn/engine/kernels/f32/kernels.h"

namespace zoo::engine {

/// Evenly spread over [-range, range].
inline std::vector<float> random_values(int64_t count, unsigned seed, float range = 2.0F) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-range, range);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& v : values) v = uniform(random);
  return values;
}

/// Maps [N, C, H, W], to and from the layout.
class BlockedMaps {
 public:
  explicit BlockedMaps(const kernels::KernelTable& table) : table_(table) {}

  int64_t blocks(const Shape& shape) const { return shape[0] * kernels::block_count(shape[1], table_.lanes); }
  static int64_t area(const Shape& shape) { return shape[2] * shape[3]; }

  std::vector<float> blocked(const std::vector<float>& planar, const Shape& shape) const {
    std::vector<float> result(size(shape));
    table_.to_blocked(planar.data(), result.data(), shape[1], area(shape), 0, blocks(shape));
    return result;
  }

  /// Memory for a result, which begins kGuard values behind its start and ends as far from its end.
  std::vector<float> unwritten(const Shape& shape) const {
    return std::vector<float>(size(shape) + 2 * kGuard, kUntouched);
  }
  /// Row-major values of what was written there; nothing around it was, and the lanes beyond the last channel are zero.
  std::vector<float> planar(const std::vector<float>& guarded, const Shape& shape) const {
    for (size_t i = 0; i < kGuard; ++i) {
      EXPECT_EQ(guarded[i], kUntouched);
      EXPECT_EQ(guarded[guarded.size() - 1 - i], kUntouched);
    }
    const std::vector<float> written(guarded.begin() + kGuard, guarded.end() - kGuard);
    std::vector<float> result(static_cast<size_t>(shape.elements()));
    table_.to_planar(written.data(), result.data(), shape[1], area(shape), 0, blocks(shape));
    const auto is_same = [](float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); };
    EXPECT_TRUE(std::ranges::equal(blocked(result, shape), written, is_same)) << "the tail is not zero";
    return result;
  }

  static constexpr int kGuard = 64;

 private:
  /// What writes beyond its own values, or leaves some out, shows.
  static constexpr float kUntouched = -99.0F;

  size_t size(const Shape& shape) const { return static_cast<size_t>(blocks(shape) * area(shape) * table_.lanes); }

  const kernels::KernelTable& table_;
};

}  // namespace zoo::engine
