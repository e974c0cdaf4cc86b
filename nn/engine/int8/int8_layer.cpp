#include "nn/engine/int8/int8_layer.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace zoo::engine {
namespace {

using Mode = kernels::Int8Epilogue::Mode;

constexpr float kLargest = 127.0F;

/// To the nearest whole number, ties to even, of |x| < 2^22: adding 1.5 * 2^23 leaves no room for a fraction. Unlike
/// std::nearbyint no call of a function, so that loops over weights become vector code.
int32_t round_small(float x) {
  constexpr float kNoFraction = 12582912.0F;
  return static_cast<int32_t>((x + kNoFraction) - kNoFraction);
}

/// Where the arrays of a layer lie.
struct Arrays {
  Arrays(std::byte* block, int64_t padded)
      : scale(reinterpret_cast<float*>(block)), bias(scale + padded), unit(bias + padded), zero(unit + padded) {}
  float* scale;
  float* bias;
  float* unit;
  float* zero;
};

/// Rounds a layer's weights and fills its arrays. The source's steps are part of the weights where they differ between
/// the channels that a sum mixes.
std::vector<int8_t> round_layer(const Int8LayerSpec& spec, std::span<const float> all_weights,
                                std::span<const float> biases, bool linear, const Arrays& arrays) {
  const int64_t row = (spec.depthwise ? 1 : spec.inputs) * spec.taps;
  std::vector<int8_t> rounded(static_cast<size_t>(spec.outputs * row));
  std::vector<float> scaled(static_cast<size_t>(row));
  for (int64_t o = 0; o < spec.outputs; ++o) {
    const float* weights = all_weights.data() + o * row;
    int8_t* result = rounded.data() + o * row;
    const auto channel = [&](int64_t i) { return static_cast<size_t>(spec.depthwise ? o : i / spec.taps); };
    if (spec.src->uniform) {
      for (int64_t i = 0; i < row; ++i) scaled[static_cast<size_t>(i)] = weights[i] * spec.src->step[0];
    } else {
      for (int64_t i = 0; i < row; ++i) scaled[static_cast<size_t>(i)] = weights[i] * spec.src->step[channel(i)];
    }
    const float step = round_int8_weights(scaled.data(), row, result);
    double zeros = 0.0;
    if (spec.src->uniform) {
      int64_t sum = 0;
      for (int64_t i = 0; i < row; ++i) sum += result[i];
      zeros = static_cast<double>(sum) * spec.src->zero[0];
    } else {
      for (int64_t i = 0; i < row; ++i) zeros += static_cast<double>(result[i]) * spec.src->zero[channel(i)];
    }

    double bias = biases.empty() ? 0.0 : biases[static_cast<size_t>(o)];
    bias -= step * zeros;
    if (spec.residual) bias -= static_cast<double>(spec.residual->zero[0]) * spec.residual->step[0];
    const float unit = spec.dst ? spec.dst->step[static_cast<size_t>(o)] : 1.0F;
    const float zero = spec.dst ? spec.dst->zero[static_cast<size_t>(o)] : 0.0F;
    arrays.scale[o] = step / unit;
    arrays.bias[o] = static_cast<float>(bias / unit) + (linear ? zero : 0.0F);
    arrays.unit[o] = unit;
    arrays.zero[o] = zero;
  }
  return rounded;
}

}  // namespace

float round_int8_weights(const float* weights, int64_t count, int8_t* rounded) {
  // The inverse of the step must be a float, too.
  constexpr float kLeast = 1e-36F;
  float largest = 0.0F;
  for (int64_t i = 0; i < count; ++i) largest = std::max(largest, std::abs(weights[i]));
  if (largest < kLeast) {
    std::fill_n(rounded, count, int8_t{0});
    return 0.0F;
  }
  const float inverse = kLargest / largest;
  for (int64_t i = 0; i < count; ++i) rounded[i] = static_cast<int8_t>(round_small(weights[i] * inverse));
  return largest / kLargest;
}

void Int8Means::operator()(const int32_t* sums, int64_t images, float* mean) const {
  const float share = 1.0F / static_cast<float>(area);
  const float* zero = src->zero.data();
  const float* step = src->step.data();
  const int64_t pitch = kernels::block_count(channels, lanes) * lanes;
  for (int64_t n = 0; n < images; ++n, sums += padded(), mean += pitch) {
    for (int64_t c = 0; c < channels; ++c) mean[c] = (static_cast<float>(sums[c]) * share - zero[c]) * step[c];
    std::fill(mean + channels, mean + pitch, 0.0F);
  }
}

kernels::Int8Epilogue int8_epilogue(const Quantization* dst, const Quantization* residual,
                                    kernels::ResolvedActivation activation) {
  kernels::Int8Epilogue epilogue;
  epilogue.activation = activation;
  epilogue.to_f32 = dst == nullptr;
  const float unit = dst == nullptr ? 1.0F : dst->step[0];
  if (residual != nullptr) epilogue.residual_scale = residual->step[0] / unit;
  if (dst == nullptr) return epilogue;
  const auto zero = static_cast<int32_t>(dst->zero[0]);
  switch (activation.kind) {
    case ActivationKind::kIdentity:
      break;
    case ActivationKind::kRelu6:
      epilogue.high = static_cast<int32_t>(std::clamp(dst->zero[0] + std::nearbyint(6.0F / unit), 0.0F, 255.0F));
      [[fallthrough]];
    case ActivationKind::kRelu:
      epilogue.low = zero;
      break;
    case ActivationKind::kHardSwish:
      epilogue.mode = Mode::kHardSwish;
      break;
    default:
      epilogue.mode = Mode::kOther;
  }
  return epilogue;
}

Int8Layer::Int8Layer(Int8LayerSpec spec, int64_t packed_weights, PackInt8 arrange)
    : spec_(std::move(spec)),
      padded_(kernels::int8_padded(spec_.outputs)),
      weight_bytes_(packed_weights),
      arrange_(std::move(arrange)),
      epilogue_(int8_epilogue(spec_.dst.get(), spec_.residual.get(), spec_.activation)) {}

size_t Int8Layer::packed_bytes() const {
  const int64_t zeros = spec_.depthwise ? padded_ : 0;
  return static_cast<size_t>(kArrays * padded_ * static_cast<int64_t>(sizeof(float)) + weight_bytes_ + zeros);
}

void Int8Layer::pack(std::span<const float> weights, std::span<const float> bias, std::byte* packed) const {
  const bool linear = epilogue_.mode == Mode::kLinear && !epilogue_.to_f32;
  std::fill_n(packed, kArrays * padded_ * static_cast<int64_t>(sizeof(float)), std::byte{0});
  const Arrays arrays(packed, padded_);
  // Channels of the tail divide by their step, too.
  std::fill_n(arrays.unit, padded_, 1.0F);
  const std::vector<int8_t> rounded = round_layer(spec_, weights, bias, linear, arrays);
  auto* arranged = reinterpret_cast<int8_t*>(arrays.zero + padded_);
  arrange_(rounded.data(), arranged);
  auto* zeros = reinterpret_cast<uint8_t*>(arranged + weight_bytes_);
  for (int64_t c = 0; spec_.depthwise && c < padded_; ++c) {
    zeros[c] = static_cast<uint8_t>(spec_.src->zero[static_cast<size_t>(c)]);
  }
}

kernels::Int8Epilogue Int8Layer::epilogue(const std::byte* packed) const {
  const auto* arrays = reinterpret_cast<const float*>(packed);
  kernels::Int8Epilogue epilogue = epilogue_;
  epilogue.scale = arrays;
  epilogue.bias = arrays + padded_;
  epilogue.unit = arrays + 2 * padded_;
  epilogue.zero = arrays + 3 * padded_;
  return epilogue;
}

kernels::Int8MatVec Int8VectorLayer::op(int64_t lanes) const {
  const auto* scale = reinterpret_cast<const float*>(block->data);
  const int64_t padded = kernels::int8_padded(outputs);
  return {
      reinterpret_cast<const int8_t*>(scale + 2 * padded), scale, scale + padded, inputs, outputs, activation, lanes};
}

Int8VectorLayer pack_int8_vector_layer(const LoweringContext& context, ParameterId weight, ParameterId bias,
                                       int64_t outputs, int64_t inputs, const graph::FusedActivation& activation) {
  const int64_t padded = kernels::int8_padded(outputs);
  const auto fill = [=, weights = context.network.parameter(weight),
                     biases = context.network.parameter(bias)](std::byte* block) {
    auto* scale = reinterpret_cast<float*>(block);
    std::fill_n(scale, 2 * padded, 0.0F);
    std::copy(biases.begin(), biases.end(), scale + padded);
    std::vector<int8_t> rounded(static_cast<size_t>(outputs * inputs));
    for (int64_t o = 0; o < outputs; ++o) {
      scale[o] = round_int8_weights(weights.data() + o * inputs, inputs, rounded.data() + o * inputs);
    }
    kernels::pack_int8_matrix(rounded.data(), outputs, inputs, reinterpret_cast<int8_t*>(scale + 2 * padded));
  };
  const int64_t bytes = padded * (2 * static_cast<int64_t>(sizeof(float)) + kernels::int8_row_size(inputs));
  return {context.packing.add(static_cast<size_t>(bytes), fill), inputs, outputs, context.network.resolve(activation)};
}

}  // namespace zoo::engine
