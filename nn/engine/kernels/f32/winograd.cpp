#include "nn/engine/kernels/f32/winograd.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace zoo::engine::kernels {
namespace {

using Taps = std::array<double, kWinogradKernel>;
using Combined = std::array<double, kWinogradWeights>;

/// See the formulas in winograd.h.
Combined combine(int64_t stride, const Taps& g) {
  if (stride == 1) return {g[0], (g[0] + g[1] + g[2]) / 2, (g[0] - g[1] + g[2]) / 2, g[2]};
  return {g[0], g[0] + g[2], g[2], g[1]};
}

/// Of the weights [3, 3] along both axes: [row, column].
std::array<Combined, kWinogradWeights> combine(int64_t stride, const float* g) {
  std::array<Combined, kWinogradKernel> rows;
  for (size_t y = 0; y < kWinogradKernel; ++y) rows[y] = combine(stride, Taps{g[3 * y], g[3 * y + 1], g[3 * y + 2]});
  std::array<Combined, kWinogradWeights> tile;
  for (size_t x = 0; x < kWinogradWeights; ++x) {
    const Combined column = combine(stride, Taps{rows[0][x], rows[1][x], rows[2][x]});
    for (size_t y = 0; y < kWinogradWeights; ++y) tile[y][x] = column[y];
  }
  return tile;
}

int64_t padded_inputs(const WinogradConv& op) { return block_count(op.in_channels, kWinogradInputs) * kWinogradInputs; }

}  // namespace

int64_t winograd_tiles(const WinogradConv& op) {
  return block_count(op.dst_h, kWinogradTile) * block_count(op.dst_w, kWinogradTile);
}

int64_t winograd_tile_size(const WinogradConv& op, int64_t lanes) {
  const int64_t points = kWinogradPoints[static_cast<size_t>(op.stride - 1)];
  return points * points * block_count(op.in_channels, lanes) * lanes;
}

int64_t winograd_scratch(const WinogradConv& op, int64_t lanes) {
  constexpr int64_t kSums = 2 * kWinogradTile;  // of a tile, while rows are combined
  return op.chunk * (winograd_tile_size(op, lanes) + kSums * lanes);
}

int64_t winograd_weights_size(const WinogradConv& op, int64_t lanes) {
  return block_count(op.out_channels, lanes) * lanes * padded_inputs(op) * kWinogradWeights * kWinogradWeights;
}

void pack_winograd(const WinogradConv& op, const float* weights, int64_t lanes, float* packed) {
  constexpr int64_t kTaps = kWinogradKernel * kWinogradKernel;
  const int64_t inputs = padded_inputs(op);
  for (int64_t first = 0; first < op.out_channels; first += lanes) {
    float* block = packed + first * inputs * kWinogradWeights * kWinogradWeights;
    for (int64_t i = 0; i < op.in_channels; ++i) {
      for (int64_t o = first; o < std::min(first + lanes, op.out_channels); ++o) {
        const std::array<Combined, kWinogradWeights> tile =
            combine(op.stride, weights + (o * op.in_channels + i) * kTaps);
        for (size_t y = 0; y < kWinogradWeights; ++y) {
          float* row = block + ((static_cast<int64_t>(y) * inputs + i) * kWinogradWeights) * lanes + o - first;
          for (size_t x = 0; x < kWinogradWeights; ++x)
            row[static_cast<int64_t>(x) * lanes] = static_cast<float>(tile[y][x]);
        }
      }
    }
  }
}

}  // namespace zoo::engine::kernels
