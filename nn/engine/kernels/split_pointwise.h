// Pointwise (1x1) convolutions in f32 at stride 1 on AMX's tiles, which multiply bf16 only.
//
// A value of f32 is the sum of three of bf16, to its last bit: its own 24 significant bits are cut into three times 8
// (high, middle and low part, each rounded to nearest). A product of two values is then the sum of nine products, of
// which the three smallest (middle x low, low x middle, low x low) are less than a rounding error of f32 and left out.
// The tiles multiply bf16 exactly and add in f32. So results are as exact as those of fused multiply-adds in f32, while
// six products on tiles take less than half the time. Values beyond 3.38e38 and those that are not finite make the
// results that they are part of NaN; parts below 1.2e-38 count as zero.
#pragma once

#include <cstddef>
#include <cstdint>

#include "nn/engine/kernels/bf16.h"
#include "nn/engine/kernels/kernels.h"

namespace zoo::engine::kernels {

/// Parts of a value: high, middle, low.
inline constexpr int64_t kSplitParts = 3;

/// dst = f(W src + bias + residual) at every position, in the blocked layout of 16 lanes. The source of a chunk of
/// positions is split into its parts once, then multiplied with all weights.
struct SplitPointwiseConv {
  const Bf16* weights = nullptr;  ///< by pairs of tiles' columns [part, block of kTileDepth inputs, column, tile]
  const float* bias = nullptr;    ///< [out padded to kChannelStep]
  int64_t in_channels = 0;
  int64_t out_channels = 0;
  int64_t area = 0;    ///< positions of an image
  int64_t chunks = 1;  ///< of an image, of almost equal size
  ResolvedActivation activation;
};

/// Bytes that one caller of `split_pointwise` needs to work in, aligned to a cache line.
int64_t split_pointwise_scratch(const SplitPointwiseConv& op);
/// Values of the packed weights.
int64_t split_pointwise_weights(const SplitPointwiseConv& op);
/// [out, in] row-major -> SplitPointwiseConv::weights, aligned to a cache line. Only where amx_bf16_available().
void pack_split_pointwise(const SplitPointwiseConv& op, const float* weights, Bf16* packed);
/// Work item: one chunk of one image. `residual` may be null. Only where amx_bf16_available().
void split_pointwise(const SplitPointwiseConv& op, const float* src, const float* residual, float* dst,
                     std::byte* scratch, int64_t begin, int64_t end);

}  // namespace zoo::engine::kernels
