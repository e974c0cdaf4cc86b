// Depthwise convolutions of one row that lies in memory as f32. Shared by the kernels that fill such rows; internal.
#pragma once

#include <array>
#include <cstdint>

#include "nn/engine/kernels/bf16/bf16.h"

namespace zoo::engine::kernels {

inline constexpr int64_t kMaxDepthwiseKernel = 7;

/// One row of the result for one or two blocks of kChannelStep channels ("halves" of a cache line of bf16).
struct DepthwiseRow {
  std::array<const float*, kMaxDepthwiseKernel> src{};  ///< [padded width, halves, kChannelStep] each
  const float* weights = nullptr;                       ///< [halves, kernel * kernel, kChannelStep]
  const float* bias = nullptr;                          ///< [halves, kChannelStep]
  Bf16* dst = nullptr;
  float* sums = nullptr;  ///< [halves, kChannelStep], which the row's results are added to; null: not wanted
  int64_t dst_step = 0;   ///< between positions; with one half and whole cache lines the other half becomes zero
  int64_t width = 0;
  ActivationKind activation = ActivationKind::kIdentity;  ///< one that depthwise_computes()
};

using DepthwiseRowFunction = void (*)(const DepthwiseRow&);

DepthwiseRowFunction depthwise_row_function(const Bf16Depthwise& conv, int64_t halves);
/// The row with all but `src` and `dst` filled in, for the blocks from `channel` of an image on. Sums begin with zero.
DepthwiseRow depthwise_row(const Bf16Depthwise& conv, int64_t halves, int64_t image, int64_t channel);

/// Rows of f32 with zeros on both sides, of which the last `slots` are kept, and a row of zeros.
class RowRing {
 public:
  RowRing(const Bf16Depthwise& conv, int64_t halves, int64_t slots, float* memory);

  /// Where the values of row `y` of the source begin.
  float* values(int64_t y) { return memory_ + y % slots_ * row_floats_ + first_float_; }
  /// The row with its padding; zeros for rows outside of the source.
  const float* padded(int64_t y) const {
    return y < 0 || y >= src_h_ ? memory_ + slots_ * row_floats_ : memory_ + y % slots_ * row_floats_;
  }

  static int64_t floats(const Bf16Depthwise& conv, int64_t halves, int64_t slots);

 private:
  float* memory_;
  int64_t slots_;
  int64_t src_h_;
  int64_t row_floats_;
  int64_t first_float_;
};

}  // namespace zoo::engine::kernels
