// Products of tiles, shared by the kernels that use them. For files compiled for AMX only; everything but constants has
// internal linkage.
//
// Tile registers: 0-3 sums (2 tiles of positions x 2 tiles of output channels), 4-5 positions, 6-7 weights. Every tile
// of positions is loaded straight from the channels-last source; sums leave through a buffer, from which they are
// finished in f32.
#pragma once

#include <algorithm>
#include <cstddef>
#include <immintrin.h>

#include "nn/engine/kernels/amx/tile_config.h"
#include "nn/engine/kernels/amx/tile_instructions.h"
#include "nn/engine/kernels/bf16/bf16.h"
#include "nn/engine/kernels/bf16/tile_sums.h"
#include "nn/engine/kernels/common/weight_fetcher.h"

namespace zoo::engine::kernels {

inline constexpr int64_t kCacheLine = 64;

static_assert(kTileRows == kMostTilePositions && kTileBytes == kWeightTileBytes);

namespace {

/// Tiles of `positions` positions of a convolution's source.
inline PositionTileShape tile_shape(const TileConv& conv, int64_t positions) {
  return {.rows = positions, .row_bytes = conv.depth * static_cast<int64_t>(sizeof(Bf16))};
}

/// Tiles of equal size in the order of the positions; the last one of a run may overlap the one before.
struct Tiling {
  explicit Tiling(const TileConv& conv)
      : per_run((conv.run_length + kTileRows - 1) / kTileRows),
        positions((conv.run_length + per_run - 1) / per_run),
        count(per_run * conv.runs * conv.images),
        overlaps(per_run * positions > conv.run_length) {}

  PositionTile at(const TileConv& conv, const Bf16* src, int64_t index) const {
    const int64_t run = per_run == count ? 0 : index / per_run;
    const int64_t first = std::min((index - run * per_run) * positions, conv.run_length - positions);
    return tile_at(conv, src, run, first);
  }

  /// Where work is cut between threads instead of before tile `index`, which may share positions with the one before:
  /// no two threads write the same bytes.
  int64_t cut_near(int64_t index) const {
    return overlaps && index < count && index % per_run == per_run - 1 ? index + 1 : index;
  }

  int64_t per_run;
  int64_t positions;
  int64_t count;
  bool overlaps;  ///< the last two of a run
};

/// Sums of kRows x kColumns tiles into `sums`. With `weights_stay`, which is for one step of depth only, the weights
/// are in their registers already.
template <int kRows, int kColumns>
inline void multiply(const TileConv& conv, const Bf16* first, const Bf16* second, const std::byte* weights, float* sums,
                     WeightFetcher& fetcher, bool weights_stay = false) {
  constexpr int64_t kPanelBytes = kColumns * kTileBytes;
  const int64_t position_bytes = conv.position_stride * static_cast<int64_t>(sizeof(Bf16));
  zero_tile<0>();
  if constexpr (kColumns == 2) zero_tile<1>();
  if constexpr (kRows == 2) zero_tile<2>();
  if constexpr (kRows == 2 && kColumns == 2) zero_tile<3>();
  const int64_t depth_blocks = conv.depth_blocks;
  for (int64_t tap = 0; tap < conv.taps; ++tap) {
    const int64_t offset = conv.tap_offsets[tap];
    for (int64_t k = 0; k < depth_blocks; ++k) {
      if (!weights_stay) load_tile<6>(weights, kCacheLine);
      load_tile<4>(first + offset + k * kTileDepth, position_bytes);
      multiply_bf16_tiles<0, 4, 6>();
      if constexpr (kColumns == 2) {
        if (!weights_stay) load_tile<7>(weights + kTileBytes, kCacheLine);
        multiply_bf16_tiles<1, 4, 7>();
      }
      if constexpr (kRows == 2) {
        load_tile<5>(second + offset + k * kTileDepth, position_bytes);
        multiply_bf16_tiles<2, 5, 6>();
        if constexpr (kColumns == 2) multiply_bf16_tiles<3, 5, 7>();
      }
      weights += kPanelBytes;
      fetcher.step();
    }
  }
  constexpr int64_t kStrideBytes = kSumStride * static_cast<int64_t>(sizeof(float));
  store_tile<0>(sums, kStrideBytes);
  if constexpr (kColumns == 2) store_tile<1>(sums + kChannelStep, kStrideBytes);
  if constexpr (kRows == 2) store_tile<2>(sums + kTileSums, kStrideBytes);
  if constexpr (kRows == 2 && kColumns == 2) {
    store_tile<3>(sums + kTileSums + kChannelStep, kStrideBytes);
  }
}

}  // namespace
}  // namespace zoo::engine::kernels
