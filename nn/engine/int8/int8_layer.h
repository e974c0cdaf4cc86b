// The weights of one layer of an int8 network, rounded and packed. Internal to nn/engine.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "nn/engine/kernels/int8/int8.h"
#include "nn/engine/lower/lowering.h"
#include "nn/engine/plan/quantization.h"

namespace zoo::engine {

/// A layer of weights [outputs, inputs, taps]; of a depthwise one [outputs, 1, taps].
struct Int8LayerSpec {
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

/// Weights and factors of a layer as they lie in one block of packed memory.
class Int8Layer {
 public:
  /// `packed_weights`: bytes that `arrange` fills.
  Int8Layer(Int8LayerSpec spec, int64_t packed_weights, PackInt8 arrange);

  size_t packed_bytes() const;
  /// `bias` may be empty.
  void pack(std::span<const float> weights, std::span<const float> bias, std::byte* packed) const;

  /// In what pack() has filled.
  kernels::Int8Epilogue epilogue(const std::byte* packed) const;
  const int8_t* weights(const std::byte* packed) const {
    return reinterpret_cast<const int8_t*>(reinterpret_cast<const float*>(packed) + kArrays * padded_);
  }
  /// Of the source, per output, after the weights; for depthwise layers.
  const uint8_t* source_zeros(const std::byte* packed) const {
    return reinterpret_cast<const uint8_t*>(weights(packed) + weight_bytes_);
  }

 private:
  static constexpr int64_t kArrays = 4;  // scale, bias, unit, zero

  Int8LayerSpec spec_;
  int64_t padded_;
  int64_t weight_bytes_;
  PackInt8 arrange_;
  kernels::Int8Epilogue epilogue_;
};

/// How a result is made of sums, but for the arrays.
kernels::Int8Epilogue int8_epilogue(const Quantization* dst, const Quantization* residual,
                                    kernels::ResolvedActivation activation);

/// mean[n, c] of what `sums` holds for `area` positions. An image has padded() sums, and means for whole blocks of
/// `lanes`; those that are no channels become zero.
struct Int8Means {
  const Quantization* src = nullptr;
  int64_t area = 1;
  int64_t channels = 0;
  int64_t lanes = kernels::kInt8Lanes;

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

  /// With a result in blocks of `lanes`.
  kernels::Int8MatVec op(int64_t lanes) const;
};
Int8VectorLayer pack_int8_vector_layer(const LoweringContext& context, ParameterId weight, ParameterId bias,
                                       int64_t outputs, int64_t inputs, const graph::FusedActivation& activation);

}  // namespace zoo::engine
