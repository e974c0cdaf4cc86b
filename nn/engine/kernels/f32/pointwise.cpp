#include "nn/engine/kernels/f32/pointwise.h"

namespace zoo::engine::kernels {
namespace {

int64_t padded_inputs(const PointwiseConv& op) {
  return block_count(op.in_channels, kPointwiseInputs) * kPointwiseInputs;
}

}  // namespace

int64_t pointwise_weights_size(const PointwiseConv& op, int64_t lanes) {
  return block_count(op.out_channels, lanes) * lanes * padded_inputs(op);
}

void pack_pointwise(const PointwiseConv& op, const float* weights, int64_t lanes, float* packed) {
  const int64_t blocks = block_count(op.out_channels, lanes);
  for (int64_t g = 0; g < op.groups; ++g) {
    const Part part = part_of(blocks, op.groups, g);
    const int64_t width = (part.end - part.begin) * lanes;
    float* panel = packed + part.begin * lanes * padded_inputs(op);
    for (int64_t o = part.begin * lanes; o < part.end * lanes && o < op.out_channels; ++o) {
      float* column = panel + o - part.begin * lanes;
      for (int64_t i = 0; i < op.in_channels; ++i) column[i * width] = weights[o * op.in_channels + i];
    }
  }
}

}  // namespace zoo::engine::kernels
