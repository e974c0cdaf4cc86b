#include "nn/engine/kernels/split_pointwise.h"

#include <bit>
#include <vector>

namespace zoo::engine::kernels {
namespace {

float widened(Bf16 value) { return std::bit_cast<float>(static_cast<uint32_t>(value) << 16U); }

int64_t depth_blocks(const SplitPointwiseConv& op) { return block_count(op.in_channels, kTileDepth); }

}  // namespace

int64_t split_pointwise_scratch(const SplitPointwiseConv& op) {
  const int64_t positions = block_count(op.area, op.chunks);
  return kSplitParts * depth_blocks(op) * positions * kTileDepth * static_cast<int64_t>(sizeof(Bf16));
}

int64_t split_pointwise_weights(const SplitPointwiseConv& op) {
  return packed_tile_weights(op.out_channels, kSplitParts, depth_blocks(op));
}

void pack_split_pointwise(const SplitPointwiseConv& op, const float* weights, Bf16* packed) {
  std::vector<float> parts(static_cast<size_t>(op.out_channels * kSplitParts * op.in_channels));
  float* to = parts.data();
  for (int64_t o = 0; o < op.out_channels; ++o, to += kSplitParts * op.in_channels) {
    for (int64_t i = 0; i < op.in_channels; ++i) {
      float rest = weights[o * op.in_channels + i];
      for (int64_t part = 0; part < kSplitParts; ++part) {
        to[part * op.in_channels + i] = widened(round_to_bf16(rest));
        rest -= to[part * op.in_channels + i];
      }
    }
  }
  pack_tile_weights(parts.data(), op.out_channels, kSplitParts, op.in_channels, depth_blocks(op), packed);
}

}  // namespace zoo::engine::kernels
