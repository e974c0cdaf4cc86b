// Depthwise convolutions: 3x3, 5x5 and 7x7 at stride 1 and 2. All sums of a tile of the result stay in registers while
// the source passes by once per row of the kernel.
#pragma once

#include <cstdint>

#include "nn/engine/kernels/common/row_tiles.h"
#include "nn/engine/kernels/f32/kernels.h"

namespace zoo::engine::kernels {

/// dst = f(conv(src) + bias + residual) in the blocked layout, without dilation.
struct DepthwiseConv {
  const float* weights = nullptr;  ///< [C / B, kernel * kernel, B], as pack_matrix makes them
  const float* bias = nullptr;     ///< [C padded to B]
  int64_t channels = 0;
  int64_t src_h = 0, src_w = 0, dst_h = 0, dst_w = 0;
  int64_t src_plane = 0;              ///< floats from one block of channels to the next
  int64_t dst_plane = 0;              ///< of the result and of the residual
  int64_t pad_top = 0, pad_left = 0;  ///< all paddings are below the kernel's size
  ResolvedActivation activation;
  const TileRun* runs = nullptr;  ///< of plan_row for tiles of depthwise_tile
  int64_t run_count = 0;
};

/// Work item: one channel block of one image. `residual` may be null. `sums` may be null, else it gets what each item
/// wrote, summed over the positions: [N, C padded to B].
using DepthwiseFunction = void (*)(const DepthwiseConv& op, const float* src, const float* residual, float* dst,
                                   float* sums, int64_t begin, int64_t end);

/// The convolution of a square kernel; null if there is none.
using DepthwiseFunctions = DepthwiseFunction(int64_t kernel, int64_t stride);
namespace sse {
DepthwiseFunctions depthwise;
}
namespace avx2 {
DepthwiseFunctions depthwise;
}
namespace avx512 {
DepthwiseFunctions depthwise;
}
inline constexpr PerIsa<DepthwiseFunctions> kDepthwise = {sse::depthwise, avx2::depthwise, avx512::depthwise};

/// Widest tile: its sums, the taps of one row of a kernel and a source value in 32, 16 and (two registers each) 8
/// vectors.
constexpr int64_t depthwise_tile(Isa isa) {
  if (isa == Isa::kAvx512) return 14;
  return isa == Isa::kAvx2 ? 8 : 4;
}

}  // namespace zoo::engine::kernels
