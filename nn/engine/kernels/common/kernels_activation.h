// Activations on vectors of one channel block; see kernels_impl.inc.
#pragma once

#include <array>
#include <cmath>

#include "nn/engine/kernels/common/kernels_vec.h"
#include "nn/engine/kernels/common/numbers.h"

namespace zoo::engine::kernels {
namespace {

inline Vec relu(Vec v) { return vec_max(Vec{}, v); }
inline Vec relu6(Vec v) { return vec_min(splat(6.0F), relu(v)); }
inline Vec hard_sigmoid(Vec v) { return relu6(v + splat(3.0F)) * splat(1.0F / 6.0F); }
inline Vec hard_swish(Vec v) { return v * hard_sigmoid(v); }

/// e / (1 + e) or 1 / (1 + e) with e = exp(-|v|), which cannot overflow.
inline Vec sigmoid(Vec v) {
  const Vec e = exp_not_positive(vec_min(v, -v));
  const Vec one = splat(1.0F);
  return (v < Vec{} ? e : one) / (one + e);
}

/// 0.5 v (1 + erf(v / sqrt(2))) within 1.5e-7 |v|: Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26.
inline Vec gelu(Vec v) {
  const Vec x = v * splat(0.70710678F);
  const Vec size = vec_max(x, -x);
  const Vec t = splat(1.0F) / (splat(1.0F) + splat(0.3275911F) * size);
  Vec sum = splat(1.061405429F);
  sum = sum * t + splat(-1.453152027F);
  sum = sum * t + splat(1.421413741F);
  sum = sum * t + splat(-0.284496736F);
  sum = sum * t + splat(0.254829592F);
  const Vec rest = sum * t * exp_not_positive(-size * size);  // 1 - erf(size)
  return splat(0.5F) * v * (x < Vec{} ? rest : splat(2.0F) - rest);
}

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
      return gelu(v);
    case ActivationKind::kSilu:
      return v * sigmoid(v);
    case ActivationKind::kHardSwish:
      return hard_swish(v);
    case ActivationKind::kHardSigmoid:
      return hard_sigmoid(v);
    case ActivationKind::kSigmoid:
      return sigmoid(v);
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
