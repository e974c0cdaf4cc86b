// In the place of nn/engine/kernels/int8/avx_vnni_instructions.h: AVX-VNNI with AVX2's instructions.
#pragma once

#include <immintrin.h>

namespace zoo::engine::kernels {
namespace {

/// As VPDPBUSD: the products of bytes at even and at odd places, each added in pairs to 32 bits.
inline __m256i add_quads(__m256i sums, __m256i source, __m256i weights) {
  const __m256i even = _mm256_madd_epi16(_mm256_and_si256(source, _mm256_set1_epi16(0xFF)),
                                         _mm256_srai_epi16(_mm256_slli_epi16(weights, 8), 8));
  const __m256i odd = _mm256_madd_epi16(_mm256_srli_epi16(source, 8), _mm256_srai_epi16(weights, 8));
  return _mm256_add_epi32(sums, _mm256_add_epi32(even, odd));
}

}  // namespace
}  // namespace zoo::engine::kernels
