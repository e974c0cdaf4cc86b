// What the kernels of dense bf16 convolutions do with sums in f32: they lie in tiles of up to 16 positions x 32 output
// channels, whatever has multiplied. For files compiled for AVX-512 and AVX512-BF16 only; everything but constants has
// internal linkage.
#pragma once

#include "nn/engine/kernels/bf16/bf16.h"
#include "nn/engine/kernels/bf16/bf16_vec.h"

namespace zoo::engine::kernels {

/// Sums lie in rows of 2 vectors, one row per position.
inline constexpr int64_t kSumStride = 2 * kChannelStep;
inline constexpr int64_t kMostTilePositions = 16;
inline constexpr int64_t kTileSums = kMostTilePositions * kSumStride;

/// Bytes of packed weights that kTileDepth values are multiplied with, of kChannelStep outputs.
inline constexpr int64_t kWeightTileBytes = kTileDepth * kChannelStep * static_cast<int64_t>(sizeof(Bf16));

namespace {

/// Weights of a pair of columns of tiles.
inline int64_t panel_bytes(const TileConv& conv) { return conv.taps * conv.depth_blocks * 2 * kWeightTileBytes; }

/// Whether the pair of columns has only one.
inline bool is_single(const TileConv& conv, int64_t column) {
  return conv.out_channels - column * 2 * kChannelStep <= kChannelStep;
}

/// Finishes the sums of one tile of positions. `dst` and `residual` point at the first channel of the first position.
template <ActivationKind kKind, bool kResidual, int kColumns>
inline void finish(const TileConv& conv, const float* bias, const float* sums, const Bf16* residual, Bf16* dst,
                   int64_t positions, __mmask16 last_lanes) {
  const int64_t step = conv.dst_row;
  const float slope = conv.activation.slope;
  const bool half_line = step == kChannelStep;
  const __m512 low_bias = _mm512_loadu_ps(bias);
  const __m512 high_bias = _mm512_loadu_ps(bias + kChannelStep);
  for (int64_t p = 0; p < positions; ++p) {
    __m512 low = _mm512_add_ps(_mm512_load_ps(sums + p * kSumStride), low_bias);
    if constexpr (kResidual) low = _mm512_add_ps(low, load_bf16(residual + p * step));
    low = activate<kKind>(low, slope);
    Bf16* to = dst + p * step;
    if constexpr (kColumns == 2) {
      __m512 high = _mm512_add_ps(_mm512_load_ps(sums + p * kSumStride + kChannelStep), high_bias);
      if constexpr (kResidual) high = _mm512_add_ps(high, load_bf16(residual + p * step + kChannelStep));
      high = activate<kKind>(high, slope);
      if constexpr (!keeps_zero(kKind)) high = _mm512_maskz_mov_ps(last_lanes, high);
      store_bf16_pair(to, low, high);
    } else {
      if constexpr (!keeps_zero(kKind)) low = _mm512_maskz_mov_ps(last_lanes, low);
      if (half_line) {
        store_bf16(to, low);
      } else {
        store_bf16_pair(to, low, _mm512_setzero_ps());
      }
    }
  }
}

/// The same of the tile whose first position is `position` of the result, in the channels from `channel` on.
template <ActivationKind kKind, bool kResidual, int kColumns>
inline void finish_tile(const TileConv& conv, int64_t channel, const float* sums, const Bf16* residual, Bf16* dst,
                        int64_t position, int64_t positions) {
  const int64_t at = position * conv.dst_row + channel;
  const int64_t left = conv.out_channels - channel - (kColumns - 1) * kChannelStep;
  const auto lanes = static_cast<__mmask16>(left >= kChannelStep ? 0xFFFF : (1 << left) - 1);
  finish<kKind, kResidual, kColumns>(conv, conv.bias + channel, sums, kResidual ? residual + at : nullptr, dst + at,
                                     positions, lanes);
}

/// One tile of positions: where it reads and writes.
struct PositionTile {
  const Bf16* src = nullptr;
  int64_t dst = 0;  ///< first position
};

/// Of position `first` of a run; runs of all images are counted together.
inline PositionTile tile_at(const TileConv& conv, const Bf16* src, int64_t run, int64_t first) {
  const int64_t image = conv.images == 1 ? 0 : run / conv.runs;
  return {src + image * conv.image_stride + (run - image * conv.runs) * conv.run_stride + first * conv.position_stride,
          run * conv.dst_run + first};
}

}  // namespace
}  // namespace zoo::engine::kernels
