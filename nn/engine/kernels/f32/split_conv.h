// Dense convolutions in f32 on AMX's tiles, which multiply bf16 only.
//
// A value of f32 is the sum of three of bf16, to its last bit: its own 24 significant bits are cut into three times 8
// (high, middle and low part, each rounded to nearest). A product of two values is then the sum of nine products, of
// which the three smallest (middle x low, low x middle, low x low) are less than a rounding error of f32 and left out.
// The tiles multiply bf16 exactly and add in f32. So results are as exact as those of fused multiply-adds in f32, and
// six products on tiles take less time than one on vectors where no other program uses the tiles. Values beyond 3.38e38
// and those that are not finite make the results that they are part of NaN; parts below 1.2e-38 count as zero.
#pragma once

#include <cstddef>
#include <cstdint>

#include "nn/engine/kernels/bf16/bf16.h"
#include "nn/engine/kernels/f32/kernels.h"

namespace zoo::engine::kernels {

/// Parts of a value: high, middle, low.
inline constexpr int64_t kSplitParts = 3;
/// Of the blocks that are read and written.
inline constexpr int64_t kSplitLanes = 16;

/// dst = f(conv(src) + bias + residual), without dilation, in the blocked layout of kSplitLanes. What a chunk of an
/// image is computed from is split into its parts once, then multiplied with all weights.
struct SplitConv {
  const Bf16* weights = nullptr;  ///< by pairs of tiles' columns [part, tap, block of kTileDepth inputs, column, tile]
  const float* bias = nullptr;    ///< [out padded to kChannelStep]
  int64_t in_channels = 0;
  int64_t out_channels = 0;
  int64_t kernel = 1;  ///< of both axes
  int64_t stride = 1;  ///< of both axes
  int64_t src_h = 0, src_w = 0, dst_h = 0, dst_w = 0;
  int64_t pad_top = 0, pad_left = 0;
  int64_t chunks = 1;  ///< of an image, of almost equal size: of rows, or of positions if is_pointwise()
  ResolvedActivation activation;

  int64_t taps() const { return kernel * kernel; }
  /// Then the source's positions are those of the result, whatever its rows.
  bool is_pointwise() const { return kernel == 1 && stride == 1 && src_h == dst_h && src_w == dst_w; }
  int64_t chunk_units() const { return is_pointwise() ? dst_h * dst_w : dst_h; }
};

/// Bytes that one caller of `split_conv` needs to work in, aligned to a cache line.
int64_t split_conv_scratch(const SplitConv& op);
/// Values of the packed weights.
int64_t split_conv_weights(const SplitConv& op);
/// [out, in, kernel, kernel] row-major -> SplitConv::weights, aligned to a cache line. Only where
/// Capabilities::amx_bf16.
void pack_split_conv(const SplitConv& op, const float* weights, Bf16* packed);
/// Work item: one chunk of one image. `residual` may be null. Only where Capabilities::amx_bf16.
void split_conv(const SplitConv& op, const float* src, const float* residual, float* dst, std::byte* scratch,
                int64_t begin, int64_t end);

/// What the results of a chunk are computed from, with the padding around it.
struct SplitSource {
  int64_t rows = 0;
  int64_t columns = 0;

  int64_t positions() const { return rows * columns; }
};
/// For so many units of a chunk.
inline SplitSource split_source(const SplitConv& op, int64_t units) {
  if (op.is_pointwise()) return {1, units};
  return {(units - 1) * op.stride + op.kernel, (op.dst_w - 1) * op.stride + op.kernel};
}

}  // namespace zoo::engine::kernels
