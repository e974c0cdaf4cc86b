// The weights of one layer of an int8 network, rounded and packed. Internal to nn/engine.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "nn/engine/kernels/int8/int8.h"
#include "nn/engine/lower/step_compiler.h"
#include "nn/engine/plan/quantization.h"

namespace zoo::engine {

/// A layer before it is packed. Weights [outputs, inputs, taps]; of a depthwise one [outputs, 1, taps].
struct Int8LayerSpec {
  std::span<const float> weights;
  std::span<const float> bias;  ///< may be empty
  int64_t outputs = 0;
  int64_t inputs = 0;
  int64_t taps = 1;
  bool depthwise = false;
  std::shared_ptr<const Quantization> src;
  std::shared_ptr<const Quantization> dst;       ///< nullptr: the result is f32
  std::shared_ptr<const Quantization> residual;  ///< nullptr: none
  kernels::ResolvedActivation activation;
};

/// Turns weights that are rounded, [outputs, inputs, taps], into those of a kernel.
using PackInt8 = std::function<void(const int8_t* rounded, int8_t* packed)>;

/// Weights and factors of a layer in one block of packed memory.
class Int8Layer {
 public:
  Int8Layer(StepCompiler& compiler, const Int8LayerSpec& spec, int64_t packed_weights, PackInt8 pack);

  /// Once the weights are packed.
  kernels::Int8Epilogue epilogue() const;
  const int8_t* weights() const { return reinterpret_cast<const int8_t*>(arrays() + kArrays * padded_); }
  /// Of the source, per output, after the weights; for depthwise layers.
  const uint8_t* source_zeros() const { return reinterpret_cast<const uint8_t*>(weights() + weight_bytes_); }

 private:
  static constexpr int64_t kArrays = 4;  // scale, bias, unit, zero

  const float* arrays() const { return reinterpret_cast<const float*>(block_->data); }

  int64_t padded_;
  int64_t weight_bytes_;
  kernels::Int8Epilogue epilogue_;
  std::shared_ptr<PackedBlock> block_;
};

/// How a result is made of sums, but for the arrays.
kernels::Int8Epilogue int8_epilogue(const Quantization* dst, const Quantization* residual,
                                    kernels::ResolvedActivation activation);

/// mean[n, c] of what `sums` holds for `area` positions; both have padded() entries per image, and those of mean that
/// are no channels become zero.
struct Int8Means {
  const Quantization* src = nullptr;
  int64_t area = 1;
  int64_t channels = 0;

  int64_t padded() const { return kernels::int8_padded(channels); }
  void operator()(const int32_t* sums, int64_t images, float* mean) const;
};

/// Rounds `count` weights so that the largest becomes 127, and yields their step; weights too small to have one, all
/// below 1e-36, become zero.
float round_int8_weights(const float* weights, int64_t count, int8_t* rounded);

/// A fully connected layer on f32 vectors.
struct Int8VectorLayer {
  std::shared_ptr<PackedBlock> block;  ///< scale, bias, weights
  int64_t inputs = 0;
  int64_t outputs = 0;
  kernels::ResolvedActivation activation;

  kernels::Int8MatVec op() const;
};
Int8VectorLayer pack_int8_vector_layer(StepCompiler& compiler, ParameterId weight, ParameterId bias, int64_t outputs,
                                       int64_t inputs, const graph::FusedActivation& activation);

}  // namespace zoo::engine
