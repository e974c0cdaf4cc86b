// Weights in the order in which the kernels read them.
#include <algorithm>

#include "nn/engine/kernels/bf16/bf16.h"

namespace zoo::engine::kernels {
namespace {

int64_t tile_columns(int64_t out_channels) { return (out_channels + kChannelStep - 1) / kChannelStep; }

}  // namespace

int64_t packed_tile_weights(int64_t out_channels, int64_t taps, int64_t depth_blocks) {
  return tile_columns(out_channels) * taps * depth_blocks * kTileDepth * kChannelStep;
}

void pack_tile_weights(const float* weights, int64_t out_channels, int64_t taps, int64_t values, int64_t depth_blocks,
                       Bf16* packed) {
  // One tile: row r holds the values 2 r and 2 r + 1 of every column, next to each other.
  constexpr int64_t kTile = kTileDepth * kChannelStep;
  const int64_t panel = taps * depth_blocks * 2 * kTile;
  for (int64_t o = 0; o < out_channels; ++o) {
    const int64_t column = o / kChannelStep;
    const bool single = column % 2 == 0 && column + 1 == tile_columns(out_channels);
    const int64_t tiles = single ? 1 : 2;
    for (int64_t tap = 0; tap < taps; ++tap) {
      const float* src = weights + (o * taps + tap) * values;
      Bf16* block = packed + column / 2 * panel + tap * depth_blocks * tiles * kTile + column % 2 * kTile;
      for (int64_t k = 0; k < values; ++k) {
        const int64_t row = k % kTileDepth / 2;
        block[k / kTileDepth * tiles * kTile + (row * kChannelStep + o % kChannelStep) * 2 + k % 2] =
            round_to_bf16(src[k]);
      }
    }
  }
}

int64_t packed_bf16_matrix(int64_t outputs, int64_t inputs) {
  return tile_columns(outputs) * kChannelStep * (inputs + 1) / 2 * 2;
}

void pack_bf16_matrix(const float* weights, int64_t outputs, int64_t inputs, Bf16* packed) {
  const int64_t pairs = (inputs + 1) / 2;
  for (int64_t o = 0; o < outputs; ++o) {
    Bf16* column = packed + (o / kChannelStep * pairs * kChannelStep + o % kChannelStep) * 2;
    for (int64_t i = 0; i < inputs; ++i) {
      column[i / 2 * kChannelStep * 2 + i % 2] = round_to_bf16(weights[o * inputs + i]);
    }
  }
}

}  // namespace zoo::engine::kernels
