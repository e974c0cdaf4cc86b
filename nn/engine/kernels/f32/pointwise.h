// Pointwise (1x1) convolutions at stride 1: sums of several blocks of channels at several positions stay in registers
// while the source's channels pass by; the weights that come next are fetched from the L3 cache meanwhile.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "nn/engine/kernels/f32/kernels.h"

namespace zoo::engine::kernels {

/// The packed inputs of an output are a multiple of this, the last ones zeros.
inline constexpr int64_t kPointwiseInputs = 4;

/// dst = f(W src + bias + residual) at every position. Blocks of output channels are computed in groups of almost equal
/// size, positions in chunks of almost equal size: all groups of a chunk before the next chunk, so that the source of a
/// chunk stays in the cache.
struct PointwiseConv {
  const float* weights = nullptr;  ///< group after group [in padded, blocks of the group, B]
  const float* bias = nullptr;     ///< [out padded to B]
  int64_t in_channels = 0;
  int64_t out_channels = 0;
  int64_t area = 0;       ///< positions that are computed
  int64_t src_plane = 0;  ///< floats from one block of channels to the next
  int64_t dst_plane = 0;  ///< of the result and of the residual
  int64_t groups = 1;     ///< none has more than pointwise_max_group blocks
  int64_t chunks = 1;
  ResolvedActivation activation;
};

/// Part `index` of `total` things that are shared between `parts` parts.
struct Part {
  int64_t begin, end;
};
constexpr Part part_of(int64_t total, int64_t parts, int64_t index) {
  return {total * index / parts, total * (index + 1) / parts};
}

/// Most blocks of output channels in a group: more share each value of the source, but leave it fewer positions.
constexpr int64_t pointwise_max_group(int64_t lanes) { return lanes == 16 ? 4 : 2; }

/// Positions that a group of so many blocks computes at a time, at most. The sums, the weights of one input and a value
/// of the source have to fit into 32 or 16 registers.
constexpr int64_t pointwise_max_tile(int64_t lanes, int64_t blocks) {
  constexpr std::array<int64_t, 4> kWide = {24, 14, 9, 6};
  constexpr std::array<int64_t, 2> kNarrow = {12, 6};
  return lanes == 16 ? kWide[static_cast<size_t>(blocks - 1)] : kNarrow[static_cast<size_t>(blocks - 1)];
}

/// Work item: one group of channel blocks in one chunk of positions of one image. `residual` may be null.
using PointwiseFunction = void(const PointwiseConv& op, const float* src, const float* residual, float* dst,
                               int64_t begin, int64_t end);
namespace avx2 {
PointwiseFunction pointwise;
}
namespace avx512 {
PointwiseFunction pointwise;
}
/// SSE has 16 registers of half a vector each: too few.
inline constexpr PerIsa<PointwiseFunction> kPointwise = {nullptr, avx2::pointwise, avx512::pointwise};

/// Floats of the packed weights.
int64_t pointwise_weights_size(const PointwiseConv& op, int64_t lanes);
/// [out, in] row-major -> PointwiseConv::weights; `packed` must be zero before.
void pack_pointwise(const PointwiseConv& op, const float* weights, int64_t lanes, float* packed);

}  // namespace zoo::engine::kernels
