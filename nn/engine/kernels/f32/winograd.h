// Dense 3x3 convolutions at stride 1 and 2 with fewer multiplications: a tile of 2 x 2 results from sums of products of
// combined values and combined weights (Winograd's minimal filtering).
//
// Along one axis, two results y of three weights g over the values d:
//   stride 1 (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015, section 4.1), 4 products for
//   6:
//     y0 = m0 + m1 + m2, y1 = m1 - m2 + m3 with m0 = (d0 - d2) g0, m1 = (d1 + d2) (g0 + g1 + g2) / 2,
//     m2 = (d2 - d1) (g0 - g1 + g2) / 2, m3 = (d3 - d1) g2
//   stride 2 (the even taps form a convolution of two at stride 1, the odd one is alone), 5 products for 6:
//     y0 = m0 + m1, y1 = m1 + m2 with m0 = (d0 - d2) g0 + d1 g1, m1 = d2 (g0 + g2), m2 = (d4 - d2) g2 + d3 g1
// Both axes together take 16 of 36 and 25 of 36 multiplications. Values are only added, and weights at most halved, so
// that rounding errors stay those of a few more additions. A value that is not finite spoils all results of its tiles.
#pragma once

#include <array>
#include <cstdint>

#include "nn/engine/kernels/f32/kernels.h"

namespace zoo::engine::kernels {

/// The convolution's kernel, and results of a tile along either axis.
inline constexpr int64_t kWinogradKernel = 3;
inline constexpr int64_t kWinogradTile = 2;
/// Combinations of three weights, at either stride.
inline constexpr int64_t kWinogradWeights = 4;
/// The packed inputs of an output are a multiple of this, the last ones zeros.
inline constexpr int64_t kWinogradInputs = 4;
/// Combinations of the values along an axis, at stride 1 and 2.
inline constexpr std::array<int64_t, 2> kWinogradPoints = {4, 5};

/// dst = f(conv(src) + bias + residual). The combined values of a chunk of tiles are computed for all channels, then
/// one block of output channels after the other for all tiles of the chunk. dst may hold only some rows of one image.
struct WinogradConv {
  const float* weights = nullptr;  ///< [out / B, combination of rows, in padded, combination of columns, B]
  const float* bias = nullptr;     ///< [out padded to B]
  int64_t stride = 1;              ///< 1 or 2
  int64_t in_channels = 0;
  int64_t out_channels = 0;
  int64_t src_h = 0, src_w = 0, dst_h = 0, dst_w = 0;
  int64_t dst_plane = 0;  ///< floats from one block of channels to the next, in the residual as well
  int64_t dst_first = 0;  ///< row of the result that they begin with
  int64_t pad_top = 0, pad_left = 0;
  int64_t chunk = 1;  ///< tiles
  ResolvedActivation activation;
};

/// Work item: one tile of one image, in all its channels. `residual` may be null; `scratch` (winograd_scratch floats)
/// is for this call alone.
using WinogradFunction = void(const WinogradConv& op, const float* src, const float* residual, float* dst,
                              float* scratch, int64_t begin, int64_t end);
namespace avx2 {
WinogradFunction winograd;
}
namespace avx512 {
WinogradFunction winograd;
}
inline constexpr PerIsa<WinogradFunction> kWinograd = {nullptr, avx2::winograd, avx512::winograd};

/// Tiles of an image, row by row.
int64_t winograd_tiles(const WinogradConv& op);
/// Floats of the combined values of a tile.
int64_t winograd_tile_size(const WinogradConv& op, int64_t lanes);
/// Floats that one caller of `winograd` needs to work in.
int64_t winograd_scratch(const WinogradConv& op, int64_t lanes);
/// Floats of the packed weights.
int64_t winograd_weights_size(const WinogradConv& op, int64_t lanes);
/// [out, in, 3, 3] row-major -> WinogradConv::weights; `packed` must be zero before.
void pack_winograd(const WinogradConv& op, const float* weights, int64_t lanes, float* packed);

}  // namespace zoo::engine::kernels
