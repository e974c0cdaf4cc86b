// Depthwise convolutions of bf16 networks, alone and behind dense ones. Internal to nn/engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "nn/engine/choice/convolution.h"
#include "nn/engine/kernels/bf16/bf16.h"

namespace zoo::engine {

/// Whether the depthwise kernel can do the problem, its expansion aside.
bool is_bf16_depthwise(const ConvolutionProblem& problem);

/// What it is multiplied with, and how that is packed: weights, then the bias.
class Bf16DepthwiseLayer {
 public:
  /// Of a source of that size. Precondition: is_bf16_depthwise(problem).
  Bf16DepthwiseLayer(const ConvolutionProblem& problem, graph::Size2d src);

  /// But for the pointers.
  const kernels::Bf16Depthwise& conv() const { return conv_; }
  size_t packed_bytes() const;
  void pack(std::span<const float> weights, std::span<const float> bias, std::byte* packed) const;
  /// With the addresses of what pack() has filled, and of sums (null: not wanted).
  kernels::Bf16Depthwise bound(const std::byte* packed, void* sums) const;

 private:
  int64_t weight_count() const;

  kernels::Bf16Depthwise conv_;
};

}  // namespace zoo::engine
