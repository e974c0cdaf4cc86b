// Which positions of a convolution's kernel ever read the map. Internal to nn/engine.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nn/graph/op.h"

namespace zoo::engine {

/// Positions [first, first + count) of a kernel along one axis.
struct Taps {
  int64_t first = 0;
  int64_t count = 1;
};

/// Those that read the source anywhere: at dilations as large as the map, the middle one alone. All of them if what is
/// left could not be computed with paddings that are not negative.
Taps reading_taps(int64_t kernel, int64_t stride, int64_t dilation, int64_t pad, int64_t src, int64_t dst);

/// [planes, kernel.h, kernel.w] without the taps that are left out.
std::vector<float> cropped(std::span<const float> weights, const graph::Size2d& kernel, const Taps& rows,
                           const Taps& columns);

}  // namespace zoo::engine
