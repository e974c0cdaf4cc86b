// Activations on vectors of one channel block; see kernels_impl.inc.
#pragma once

#include <array>
#include <cmath>

#include "nn/engine/kernels/kernels_vec.h"

namespace zoo::engine::kernels {
namespace {

inline Vec relu(Vec v) { return vec_max(Vec{}, v); }
inline Vec relu6(Vec v) { return vec_min(splat(6.0F), relu(v)); }
inline Vec hard_sigmoid(Vec v) { return relu6(v + splat(3.0F)) * splat(1.0F / 6.0F); }
inline Vec hard_swish(Vec v) { return v * hard_sigmoid(v); }

inline Vec activate(ResolvedActivation f, Vec v) {
  switch (f.kind) {
    case ActivationKind::kIdentity:
      return v;
    case ActivationKind::kRelu:
      return relu(v);
    case ActivationKind::kRelu6:
      return relu6(v);
    case ActivationKind::kPrelu:
    case ActivationKind::kLeakyRelu:
      return v > Vec{} ? v : v * splat(f.slope);
    case ActivationKind::kGelu:
      return per_lane(v, [](float x) { return 0.5F * x * (1.0F + std::erf(x * 0.70710678F)); });
    case ActivationKind::kSilu:
      return per_lane(v, [](float x) { return x / (1.0F + std::exp(-x)); });
    case ActivationKind::kHardSwish:
      return hard_swish(v);
    case ActivationKind::kHardSigmoid:
      return hard_sigmoid(v);
    case ActivationKind::kSigmoid:
      return per_lane(v, [](float x) { return 1.0F / (1.0F + std::exp(-x)); });
  }
  return v;
}

/// What activate_tile leaves out of line: the activations that few networks use.
inline __attribute__((noinline)) void activate_all(ResolvedActivation f, Vec* values, int64_t count, int64_t channel,
                                                   int64_t channels) {
  for (Vec* v = values; v != values + count; ++v) {
    *v = activate(f, *v);
    if (channel + kLanes > channels) *v = clear_tail(*v, channel, channels);
  }
}

/// Activates values that are in registers. The lanes from `channels` on, whose values must be zero, stay zero;
/// `channel` is the first of the block.
template <size_t kCount>
inline __attribute__((always_inline)) void activate_tile(ResolvedActivation f, std::array<Vec, kCount>& values,
                                                         int64_t channel, int64_t channels) {
  switch (f.kind) {
    case ActivationKind::kIdentity:
      return;
    case ActivationKind::kRelu:
      return unroll<kCount>([&](auto j) { values[j] = relu(values[j]); });
    case ActivationKind::kRelu6:
      return unroll<kCount>([&](auto j) { values[j] = relu6(values[j]); });
    case ActivationKind::kHardSwish:
      return unroll<kCount>([&](auto j) { values[j] = hard_swish(values[j]); });
    default:
      // A copy, since what has an address cannot stay in registers on the paths above.
      std::array<Vec, kCount> stored = values;
      activate_all(f, stored.data(), kCount, channel, channels);
      values = stored;
  }
}

}  // namespace
}  // namespace zoo::engine::kernels
