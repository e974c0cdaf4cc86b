// Vectors of bf16 and the functions on them that the kernel sources share. For files compiled for AVX-512 and
// AVX512-BF16 only; everything has internal linkage, so that the linker cannot pick it for another machine.
#pragma once

#include <immintrin.h>

#include "nn/engine/kernels/bf16/bf16.h"
#include "nn/engine/kernels/common/activations.h"

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

struct Avx512Ops {
  using Value = __m512;

  [[gnu::always_inline]] static __m512 splat(float x) { return _mm512_set1_ps(x); }
  [[gnu::always_inline]] static __m512 larger(__m512 a, __m512 b) { return _mm512_max_ps(a, b); }
  [[gnu::always_inline]] static __m512 smaller(__m512 a, __m512 b) { return _mm512_min_ps(a, b); }
  [[gnu::always_inline]] static __m512 multiply_add(__m512 a, __m512 b, __m512 c) { return _mm512_fmadd_ps(a, b, c); }
  [[gnu::always_inline]] static __m512 if_positive(__m512 x, __m512 a, __m512 b) {
    return x > _mm512_setzero_ps() ? a : b;
  }
  [[gnu::always_inline]] static __m512 power_of_two(__m512 x) {
    const __m512i exponent = _mm512_add_epi32(_mm512_castps_si512(x), _mm512_set1_epi32(127));
    return _mm512_castsi512_ps(_mm512_slli_epi32(exponent, 23));
  }
};

template <ActivationKind kKind>
inline __m512 activate(__m512 x, float slope) {
  return Activations<Avx512Ops>::activate<kKind>(x, slope);
}

}  // namespace
}  // namespace zoo::engine::kernels
