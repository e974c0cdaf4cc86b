// What convolutions on own kernels have in common. Internal to nn/engine.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "nn/engine/choice/convolution.h"
#include "nn/engine/kernels/f32/kernels.h"

namespace zoo::engine {

/// The maps of a convolution whose formats hold f32.
struct FloatMaps {
  const float* src;
  const float* residual;
  float* dst;
  float* sums;
};

inline FloatMaps float_maps(const ConvolutionMemory& memory) {
  return {.src = static_cast<const float*>(memory.src),
          .residual = static_cast<const float*>(memory.residual),
          .dst = static_cast<float*>(memory.dst),
          .sums = static_cast<float*>(memory.sums)};
}

/// Packed are the weights, then the bias with zeros up to whole blocks.
class OwnConvolution : public ConvolutionKernel {
 public:
  std::string name() const override;  ///< own:FAMILY:SET
  int64_t lanes() const override { return table_.lanes; }
  size_t packed_bytes() const override;
  std::string packing() const override { return name(); }
  void pack(std::span<const float> weights, std::span<const float> bias, std::byte* dst) const override;

 protected:
  OwnConvolution(std::string_view family, const ConvolutionProblem& problem, const kernels::KernelTable& table);

  /// A multiple of a block of floats. Both are of f32 weights in the order of pack_matrix unless overridden.
  virtual size_t weight_bytes() const;
  virtual void pack_weights(const float* weights, std::byte* packed) const;

  /// Images and blocks of output channels of an image.
  int64_t images() const { return images_; }
  int64_t blocks() const { return blocks_; }
  const kernels::KernelTable& table() const { return table_; }

  /// `op` with the addresses of weights and bias.
  template <typename Op>
  Op with_packed(Op op, const ConvolutionMemory& memory) const {
    op.weights = reinterpret_cast<decltype(op.weights)>(memory.packed);
    op.bias = reinterpret_cast<const float*>(memory.packed + weight_bytes());
    return op;
  }

 private:
  std::string_view family_;
  const kernels::KernelTable& table_;
  int64_t images_;
  int64_t out_channels_;
  int64_t inputs_;  ///< weights of an output
  int64_t blocks_;
};

}  // namespace zoo::engine
