// Vectors of bf16 and the functions on them that the kernel sources share. For files compiled for AVX-512 and
// AVX512-BF16 only; everything has internal linkage, so that the linker cannot pick it for another machine.
#pragma once

#include <cmath>
#include <immintrin.h>
#include <type_traits>

#include "nn/engine/kernels/bf16/bf16.h"

namespace zoo::engine::kernels {
namespace {

/// Keeps the compiler from loading a value again for each of its uses, as an operand from memory.
inline __m512 in_register(__m512 v) {
#if defined(__AVX512F__)  // not where tests compile this for less
  asm("" : "+v"(v));
#endif
  return v;
}

/// 16 values widened.
inline __m512 load_bf16(const Bf16* p) {
  const __m256i half = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}

/// 16 values rounded to nearest even.
inline void store_bf16(Bf16* p, __m512 v) {
  const __m256bh rounded = _mm512_cvtneps_pbh(v);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), reinterpret_cast<const __m256i&>(rounded));
}

/// 32 values rounded to nearest even.
inline void store_bf16_pair(Bf16* p, __m512 low, __m512 high) {
  const __m512bh rounded = _mm512_cvtne2ps_pbh(high, low);
  _mm512_storeu_si512(p, reinterpret_cast<const __m512i&>(rounded));
}

/// The larger and the smaller of a limit and x. x86 yields the second operand where one is NaN: so NaN stays NaN.
inline __m512 at_least(float limit, __m512 x) { return _mm512_max_ps(_mm512_set1_ps(limit), x); }
inline __m512 at_most(float limit, __m512 x) { return _mm512_min_ps(_mm512_set1_ps(limit), x); }

/// exp(x) within 2 units in the last place of f32, infinite above its numbers; below -87 it stays at exp(-87). NaN
/// stays NaN.
inline __m512 exp_vec(__m512 x) {
  x = at_most(100.0F, at_least(-87.0F, x));
  // x = n ln 2 + r with |r| <= ln(2) / 2; ln 2 in two parts, of which the first has so few bits that its product with n
  // is exact.
  const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504F)), _MM_FROUND_TO_NEAREST_INT);
  __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375F), x);
  r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4F), r);
  // Taylor series of exp(r): what follows r^6 / 6! is below 2e-7.
  __m512 sum = _mm512_set1_ps(1.0F / 720.0F);
  sum = _mm512_fmadd_ps(sum, r, _mm512_set1_ps(1.0F / 120.0F));
  sum = _mm512_fmadd_ps(sum, r, _mm512_set1_ps(1.0F / 24.0F));
  sum = _mm512_fmadd_ps(sum, r, _mm512_set1_ps(1.0F / 6.0F));
  sum = _mm512_fmadd_ps(sum, r, _mm512_set1_ps(0.5F));
  sum = _mm512_fmadd_ps(sum, r, _mm512_set1_ps(1.0F));
  sum = _mm512_fmadd_ps(sum, r, _mm512_set1_ps(1.0F));
  return _mm512_scalef_ps(sum, n);
}

inline __m512 sigmoid(__m512 x) {
  const __m512 one = _mm512_set1_ps(1.0F);
  return _mm512_div_ps(one, _mm512_add_ps(one, exp_vec(_mm512_sub_ps(_mm512_setzero_ps(), x))));
}

/// min(max(x / 6 + 1 / 2, 0), 1)
inline __m512 hard_sigmoid(__m512 x) {
  const __m512 line = _mm512_fmadd_ps(x, _mm512_set1_ps(1.0F / 6.0F), _mm512_set1_ps(0.5F));
  return at_most(1.0F, at_least(0.0F, line));
}

inline __m512 gelu(__m512 x) {
  alignas(64) float values[16];
  _mm512_store_ps(values, x);
  for (float& v : values) v = 0.5F * v * (1.0F + std::erf(v * 0.70710678F));
  return _mm512_load_ps(values);
}

template <ActivationKind kKind>
inline __m512 activate(__m512 x, [[maybe_unused]] float slope) {
  if constexpr (kKind == ActivationKind::kRelu) return at_least(0.0F, x);
  if constexpr (kKind == ActivationKind::kRelu6) return at_most(6.0F, at_least(0.0F, x));
  if constexpr (kKind == ActivationKind::kLeakyRelu) {
    const __m512 zero = _mm512_setzero_ps();
    return _mm512_mask_mul_ps(x, _mm512_cmp_ps_mask(x, zero, _CMP_LT_OS), x, _mm512_set1_ps(slope));
  }
  if constexpr (kKind == ActivationKind::kGelu) return gelu(x);
  if constexpr (kKind == ActivationKind::kSilu) return _mm512_mul_ps(x, sigmoid(x));
  if constexpr (kKind == ActivationKind::kHardSwish) return _mm512_mul_ps(x, hard_sigmoid(x));
  if constexpr (kKind == ActivationKind::kHardSigmoid) return hard_sigmoid(x);
  if constexpr (kKind == ActivationKind::kSigmoid) return sigmoid(x);
  return x;
}

/// Whether f(0) = 0: then the tail of a row stays zero by itself.
constexpr bool keeps_zero(ActivationKind kind) {
  return kind != ActivationKind::kSigmoid && kind != ActivationKind::kHardSigmoid;
}

/// Calls f(integral constant of the kind), so that the activation costs no branch per vector.
template <typename F>
inline void with_activation(ActivationKind kind, F f) {
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

}  // namespace
}  // namespace zoo::engine::kernels
