// Activations, once for every vector of f32 and for float itself. Included by files compiled for different instruction
// sets; everything has internal linkage.
//
// `Ops` are the verbs of a type Value, which has + - * / as well:
//   splat(x)                      x in every lane
//   larger(a, b), smaller(a, b)   b where one of them is NaN, and where both are zero
//   multiply_add(a, b, c)         a * b + c, rounded once where the instruction set can
//   if_positive(x, a, b)          x > 0 ? a : b
//   power_of_two(x)               2^n of x = kRounder + n, n in [-126, 0]
// Where multiply_add rounds once and the compiler contracts nothing itself, all types yield the same bits.
//
// NaN stays NaN, and results are PyTorch's at infinities as well (tests/engine/special_values_test.cpp).
#pragma once

#include <type_traits>

#include "nn/engine/kernels/common/numbers.h"

namespace zoo::engine::kernels {
namespace {

/// Whether f(0) = 0: then the lanes that are no channels stay zero by themselves.
constexpr bool keeps_zero(ActivationKind kind) {
  return kind != ActivationKind::kSigmoid && kind != ActivationKind::kHardSigmoid;
}

/// Calls f(integral constant of the kind), so that the activation costs no branch per vector.
template <typename F>
[[gnu::always_inline]] inline void with_activation(ActivationKind kind, F f) {
  switch (kind) {
    case ActivationKind::kIdentity:
      return f(std::integral_constant<ActivationKind, ActivationKind::kIdentity>{});
    case ActivationKind::kRelu:
      return f(std::integral_constant<ActivationKind, ActivationKind::kRelu>{});
    case ActivationKind::kRelu6:
      return f(std::integral_constant<ActivationKind, ActivationKind::kRelu6>{});
    case ActivationKind::kPrelu:
    case ActivationKind::kLeakyRelu:
      return f(std::integral_constant<ActivationKind, ActivationKind::kLeakyRelu>{});
    case ActivationKind::kGelu:
      return f(std::integral_constant<ActivationKind, ActivationKind::kGelu>{});
    case ActivationKind::kSilu:
      return f(std::integral_constant<ActivationKind, ActivationKind::kSilu>{});
    case ActivationKind::kHardSwish:
      return f(std::integral_constant<ActivationKind, ActivationKind::kHardSwish>{});
    case ActivationKind::kHardSigmoid:
      return f(std::integral_constant<ActivationKind, ActivationKind::kHardSigmoid>{});
    case ActivationKind::kSigmoid:
      return f(std::integral_constant<ActivationKind, ActivationKind::kSigmoid>{});
  }
}

template <typename Ops>
struct Activations {
  using Value = typename Ops::Value;

  /// 1.5 * 2^23: a smaller number added to it is rounded to a whole one, which the lowest bits then are.
  static constexpr float kRounder = 12582912.0F;

  [[gnu::always_inline]] static Value relu(Value x) { return Ops::larger(Ops::splat(0.0F), x); }
  [[gnu::always_inline]] static Value relu6(Value x) { return Ops::smaller(Ops::splat(6.0F), relu(x)); }

  /// clamp(x * sixth + 1 / 2, 0, 1), where a sixth may be one of x's steps.
  [[gnu::always_inline]] static Value hard_gate(Value x, Value sixth) {
    return Ops::smaller(Ops::splat(1.0F), relu(Ops::multiply_add(x, sixth, Ops::splat(0.5F))));
  }
  [[gnu::always_inline]] static Value hard_sigmoid(Value x) { return hard_gate(x, Ops::splat(1.0F / 6.0F)); }

  /// exp(x) for x <= 0, within 2 units in the last place; 0 below -87.
  static Value exp_not_positive(Value x) {
    const Value lowest = Ops::splat(-87.0F);  // 2^n below stays a normal number
    const Value inside = Ops::larger(lowest, x);
    // x = n ln 2 + r with |r| <= ln(2) / 2. ln 2 comes in two parts, of which the first has so few bits that its
    // product with n is exact.
    const Value shifted = Ops::multiply_add(inside, Ops::splat(1.44269504F), Ops::splat(kRounder));
    const Value n = shifted - Ops::splat(kRounder);
    Value r = Ops::multiply_add(n, Ops::splat(-0.693359375F), inside);
    r = Ops::multiply_add(n, Ops::splat(2.12194440e-4F), r);
    // Taylor series of exp(r): what follows r^7 / 7! is below 6e-9.
    Value sum = Ops::splat(1.0F / 5040.0F);
    sum = Ops::multiply_add(sum, r, Ops::splat(1.0F / 720.0F));
    sum = Ops::multiply_add(sum, r, Ops::splat(1.0F / 120.0F));
    sum = Ops::multiply_add(sum, r, Ops::splat(1.0F / 24.0F));
    sum = Ops::multiply_add(sum, r, Ops::splat(1.0F / 6.0F));
    sum = Ops::multiply_add(sum, r, Ops::splat(0.5F));
    sum = Ops::multiply_add(sum, r, Ops::splat(1.0F));
    sum = Ops::multiply_add(sum, r, Ops::splat(1.0F));
    return Ops::if_positive(lowest - x, Ops::splat(0.0F), sum * Ops::power_of_two(shifted));
  }

  /// 1 / (1 + e) or e / (1 + e) with e = exp(-|x|), which cannot overflow.
  static Value sigmoid(Value x) {
    const Value e = exp_not_positive(Ops::smaller(x, -x));
    const Value one = Ops::splat(1.0F);
    return Ops::if_positive(x, one, e) / (one + e);
  }

  /// 0.5 x (1 + erf(x / sqrt(2))) within 1.5e-7 |x|: Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26.
  static Value gelu(Value x) {
    const Value scaled = x * Ops::splat(0.70710678F);
    const Value size = Ops::larger(scaled, -scaled);
    const Value one = Ops::splat(1.0F);
    const Value t = one / Ops::multiply_add(Ops::splat(0.3275911F), size, one);
    Value sum = Ops::splat(1.061405429F);
    sum = Ops::multiply_add(sum, t, Ops::splat(-1.453152027F));
    sum = Ops::multiply_add(sum, t, Ops::splat(1.421413741F));
    sum = Ops::multiply_add(sum, t, Ops::splat(-0.284496736F));
    sum = Ops::multiply_add(sum, t, Ops::splat(0.254829592F));
    const Value rest = sum * t * exp_not_positive(-size * size);  // 1 - erf(size)
    return Ops::splat(0.5F) * x * Ops::if_positive(x, Ops::splat(2.0F) - rest, rest);
  }

  /// The slope is that of kPrelu and kLeakyRelu.
  template <ActivationKind kKind>
  [[gnu::always_inline]] static Value activate(Value x, [[maybe_unused]] float slope) {
    if constexpr (kKind == ActivationKind::kRelu) return relu(x);
    if constexpr (kKind == ActivationKind::kRelu6) return relu6(x);
    if constexpr (kKind == ActivationKind::kPrelu || kKind == ActivationKind::kLeakyRelu) {
      return Ops::if_positive(-x, x * Ops::splat(slope), x);  // zero stays zero, whatever the slope
    }
    if constexpr (kKind == ActivationKind::kGelu) return gelu(x);
    if constexpr (kKind == ActivationKind::kSilu) return x * sigmoid(x);
    if constexpr (kKind == ActivationKind::kHardSwish) return x * hard_sigmoid(x);
    if constexpr (kKind == ActivationKind::kHardSigmoid) return hard_sigmoid(x);
    if constexpr (kKind == ActivationKind::kSigmoid) return sigmoid(x);
    return x;
  }

  static Value activate(ResolvedActivation f, Value x) {
    Value y = x;
    with_activation(f.kind, [&](auto kind) { y = activate<decltype(kind)::value>(x, f.slope); });
    return y;
  }
};

}  // namespace
}  // namespace zoo::engine::kernels
