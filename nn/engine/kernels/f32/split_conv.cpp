#include "nn/engine/kernels/f32/split_conv.h"

namespace zoo::engine::kernels {
namespace {

int64_t padded_inputs(const SplitConv& op) { return block_count(op.in_channels, kTileDepth) * kTileDepth; }

}  // namespace

int64_t split_conv_scratch(const SplitConv& op) {
  const SplitSource source = split_source(op, block_count(op.chunk_units(), op.chunks));
  return kSplitParts * padded_inputs(op) * source.positions() * static_cast<int64_t>(sizeof(Bf16));
}

int64_t split_conv_weights(const SplitConv& op) {
  return kSplitParts * op.taps() * padded_inputs(op) * block_count(op.out_channels, kChannelStep) * kChannelStep;
}

}  // namespace zoo::engine::kernels
