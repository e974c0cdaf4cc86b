// Activations on vectors of one channel block, and the end of a tile of results; see kernels_impl.inc.
#pragma once

#include <array>
#include <cstring>

#include "nn/engine/kernels/common/activations.h"
#include "nn/engine/kernels/common/kernels_vec.h"

namespace zoo::engine::kernels {
namespace {

struct VecOps {
  using Value = Vec;

  [[gnu::always_inline]] static Vec splat(float x) { return kernels::splat(x); }
  [[gnu::always_inline]] static Vec larger(Vec a, Vec b) { return vec_max(a, b); }
  [[gnu::always_inline]] static Vec smaller(Vec a, Vec b) { return vec_min(a, b); }
  [[gnu::always_inline]] static Vec multiply_add(Vec a, Vec b, Vec c) { return a * b + c; }
  [[gnu::always_inline]] static Vec if_positive(Vec x, Vec a, Vec b) { return x > Vec{} ? a : b; }
  [[gnu::always_inline]] static Vec power_of_two(Vec x) {
    BitVec bits;
    std::memcpy(&bits, &x, sizeof(bits));
    bits = (bits + 127U) << 23U;
    std::memcpy(&x, &bits, sizeof(x));
    return x;
  }
};

using VecActivations = Activations<VecOps>;

/// What activate_tile leaves out of line: the activations that few networks use.
inline __attribute__((noinline)) void activate_all(ResolvedActivation f, Vec* values, int64_t count, int64_t channel,
                                                   int64_t channels) {
  with_activation(f.kind, [&](auto kind) {
    constexpr ActivationKind kKind = decltype(kind)::value;
    for (Vec* v = values; v != values + count; ++v) {
      *v = VecActivations::activate<kKind>(*v, f.slope);
      if (!keeps_zero(kKind) && channel + kLanes > channels) *v = clear_tail(*v, channel, channels);
    }
  });
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
      return unroll<kCount>([&](auto j) { values[j] = VecActivations::relu(values[j]); });
    case ActivationKind::kRelu6:
      return unroll<kCount>([&](auto j) { values[j] = VecActivations::relu6(values[j]); });
    case ActivationKind::kHardSwish:
      return unroll<kCount>([&](auto j) { values[j] = values[j] * VecActivations::hard_sigmoid(values[j]); });
    default:
      // A copy, since what has an address cannot stay in registers on the paths above.
      std::array<Vec, kCount> stored = values;
      activate_all(f, stored.data(), kCount, channel, channels);
      values = stored;
  }
}

/// From sums to results of neighbouring positions: adds the residual (may be null), activates, stores.
template <size_t kCount>
inline __attribute__((always_inline)) void finish_tile(ResolvedActivation f, std::array<Vec, kCount>& values,
                                                       const float* residual, float* dst, int64_t channel,
                                                       int64_t channels) {
  if (residual != nullptr) {
    unroll<kCount>([&](auto j) { values[j] += load(residual + j * kLanes); });
  }
  activate_tile(f, values, channel, channels);
  unroll<kCount>([&](auto j) { store(dst + j * kLanes, values[j]); });
}

}  // namespace
}  // namespace zoo::engine::kernels
