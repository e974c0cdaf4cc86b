#include <cstddef>
#include <cstdint>
#include <immintrin.h>

#include "nn/engine/kernels/peak/peak.h"

namespace zoo::engine::kernels {
namespace {

/// They hide a latency of eight cycles at two products per cycle.
constexpr int kSums = 16;

}  // namespace

int64_t multiply_add_bf16_dots(int64_t rounds) {
  constexpr int32_t kOnes = 0x3F803F80;
  const auto factor = reinterpret_cast<__m512bh>(_mm512_set1_epi32(kOnes));
  __m512 sums[kSums];
  for (__m512& sum : sums) sum = _mm512_setzero_ps();
  for (int64_t i = 0; i < rounds; ++i) {
    for (__m512& sum : sums) sum = _mm512_dpbf16_ps(sum, factor, factor);
    asm volatile("" : "+r"(i));  // keeps the loop a loop
  }
  __m512 total = _mm512_setzero_ps();
  for (const __m512& sum : sums) total = _mm512_add_ps(total, sum);
  asm volatile("" : : "m"(total));
  constexpr int64_t kProducts = 32;  // of one instruction
  return rounds * kSums * kProducts * 2;
}

}  // namespace zoo::engine::kernels
