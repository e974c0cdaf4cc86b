// The first convolution of a network: 3x3 at stride 2, straight from the row-major image.
#pragma once

#include <cstdint>

#include "nn/engine/kernels/common/row_tiles.h"
#include "nn/engine/kernels/f32/kernels.h"

namespace zoo::engine::kernels {

/// Kernel and stride that `stem` is made for.
inline constexpr int64_t kStemKernel = 3;
inline constexpr int64_t kStemStride = 2;

/// dst = f(conv(src) + bias); src [N, in_channels, H, W] row-major, dst blocked.
struct StemConv {
  const float* weights = nullptr;  ///< [out / B, in * 9, B], as pack_matrix makes them
  const float* bias = nullptr;     ///< [out padded to B]
  int64_t in_channels = 0;
  int64_t out_channels = 0;
  int64_t src_h = 0, src_w = 0, dst_h = 0, dst_w = 0;
  int64_t pad_top = 0, pad_left = 0;  ///< all paddings are below the kernel's size
  ResolvedActivation activation;
  const TileRun* runs = nullptr;  ///< of plan_row for tiles of stem_tile
  int64_t run_count = 0;
};

/// Work item: one row of the result of one image, in all its channels.
using StemFunction = void(const StemConv& op, const float* src, float* dst, int64_t begin, int64_t end);
namespace sse {
StemFunction stem;
}
namespace avx2 {
StemFunction stem;
}
namespace avx512 {
StemFunction stem;
}
inline constexpr PerIsa<StemFunction> kStem = {sse::stem, avx2::stem, avx512::stem};

/// Widest tile: blocks of the result are computed in pairs where their number is even.
constexpr int64_t stem_tile(int64_t out_channels, int64_t lanes) {
  const bool wide = lanes == 16;
  if (block_count(out_channels, lanes) % 2 == 0) return wide ? 8 : 4;
  return wide ? 14 : 8;
}

}  // namespace zoo::engine::kernels
