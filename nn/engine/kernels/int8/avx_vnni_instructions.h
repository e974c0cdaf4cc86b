// What AVX-VNNI adds to AVX2, behind a function that software can stand in for (tests/software_isa/shadow). Everything
// has internal linkage.
#pragma once

#include <immintrin.h>

namespace zoo::engine::kernels {
namespace {

/// Adds to every 32 bits of `sums` the four products of bytes without a sign and bytes with one, exactly.
inline __m256i add_quads(__m256i sums, __m256i source, __m256i weights) {
  return _mm256_dpbusd_avx_epi32(sums, source, weights);
}

}  // namespace
}  // namespace zoo::engine::kernels
