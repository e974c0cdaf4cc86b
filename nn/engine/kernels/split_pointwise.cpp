#include "nn/engine/kernels/split_pointwise.h"

namespace zoo::engine::kernels {
namespace {

int64_t padded_inputs(const SplitPointwiseConv& op) { return block_count(op.in_channels, kTileDepth) * kTileDepth; }

}  // namespace

int64_t split_pointwise_scratch(const SplitPointwiseConv& op) {
  const int64_t positions = block_count(op.area, op.chunks);
  return kSplitParts * padded_inputs(op) * positions * static_cast<int64_t>(sizeof(Bf16));
}

int64_t split_pointwise_weights(const SplitPointwiseConv& op) {
  return kSplitParts * padded_inputs(op) * block_count(op.out_channels, kChannelStep) * kChannelStep;
}

}  // namespace zoo::engine::kernels
