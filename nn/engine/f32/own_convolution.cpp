#include "nn/engine/f32/own_convolution.h"

#include <algorithm>

#include <fmt/format.h>

namespace zoo::engine {

OwnConvolution::OwnConvolution(std::string_view family, const ConvolutionProblem& problem,
                               const kernels::KernelTable& table)
    : family_(family),
      table_(table),
      images_(problem.dst[0]),
      out_channels_(problem.op.out_channels),
      inputs_(problem.op.in_channels / problem.op.groups * problem.op.kernel.h * problem.op.kernel.w),
      blocks_(kernels::block_count(problem.op.out_channels, table.lanes)) {}

std::string OwnConvolution::name() const { return fmt::format("own:{}:{}", family_, kernels::to_string(table_.isa)); }

size_t OwnConvolution::packed_bytes() const {
  return weight_bytes() + static_cast<size_t>(blocks_ * table_.lanes) * sizeof(float);
}

void OwnConvolution::pack(std::span<const float> weights, std::span<const float> bias, std::byte* dst) const {
  pack_weights(weights.data(), dst);
  std::ranges::copy(bias, reinterpret_cast<float*>(dst + weight_bytes()));
}

size_t OwnConvolution::weight_bytes() const {
  return static_cast<size_t>(blocks_ * inputs_ * table_.lanes) * sizeof(float);
}

void OwnConvolution::pack_weights(const float* weights, std::byte* packed) const {
  kernels::pack_matrix(weights, out_channels_, inputs_, table_.lanes, reinterpret_cast<float*>(packed));
}

}  // namespace zoo::engine
