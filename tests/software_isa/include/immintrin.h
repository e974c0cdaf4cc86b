// In the place of the compiler's <immintrin.h> for kernels that run without their instruction sets: AVX-512 (F, BW, VL,
// DQ, VNNI, BF16) and AMX in portable code. What the engine's kernels use, not more: a kernel that wants another
// intrinsic does not compile against it until it stands here and in intrinsics_cases.inc.
//
// As Intel's Software Developer's Manual, volume 2, and the Intrinsics Guide define them. What faults on hardware (an
// aligned access elsewhere, tiles of shapes that do not fit) ends the program with a message. Masked accesses touch the
// enabled elements only, everything else the bytes it should: sanitizers see every access.
#pragma once

#include "tests/software_isa/tiles.h"
#include "tests/software_isa/vector_types.h"

// NOLINTBEGIN: the names are Intel's
#define _CMP_NLE_UQ 0x16

// What a line says.

ZOO_SOFTWARE_INTRINSIC __m512 _mm512_setzero_ps() { return __m512{}; }
ZOO_SOFTWARE_INTRINSIC __m512i _mm512_setzero_si512() { return __m512i{}; }
ZOO_SOFTWARE_INTRINSIC __m512 _mm512_set1_ps(float x) { return x - __m512{}; }
ZOO_SOFTWARE_INTRINSIC __m512i _mm512_set1_epi32(int x) {
  return reinterpret_cast<__m512i>(x - zoo::software_isa::Int32s{});
}
ZOO_SOFTWARE_INTRINSIC __m128i _mm_cvtsi64_si128(long long x) { return __m128i{x, 0}; }
ZOO_SOFTWARE_INTRINSIC __m512 _mm512_loadu_ps(const void* p) { return zoo::software_isa::load<__m512>(p); }
ZOO_SOFTWARE_INTRINSIC __m512i _mm512_loadu_si512(const void* p) { return zoo::software_isa::load<__m512i>(p); }
ZOO_SOFTWARE_INTRINSIC __m256i _mm256_loadu_si256(const __m256i* p) { return zoo::software_isa::load<__m256i>(p); }
ZOO_SOFTWARE_INTRINSIC __m128i _mm_loadu_si128(const __m128i* p) { return zoo::software_isa::load<__m128i>(p); }
ZOO_SOFTWARE_INTRINSIC __m512 _mm512_load_ps(const void* p) {
  zoo::software_isa::require_aligned(p, 64);
  return zoo::software_isa::load<__m512>(p);
}
ZOO_SOFTWARE_INTRINSIC __m512i _mm512_load_si512(const void* p) {
  zoo::software_isa::require_aligned(p, 64);
  return zoo::software_isa::load<__m512i>(p);
}
ZOO_SOFTWARE_INTRINSIC void _mm512_storeu_ps(void* p, __m512 v) { zoo::software_isa::store(p, v); }
ZOO_SOFTWARE_INTRINSIC void _mm512_storeu_si512(void* p, __m512i v) { zoo::software_isa::store(p, v); }
ZOO_SOFTWARE_INTRINSIC void _mm256_storeu_si256(__m256i* p, __m256i v) { zoo::software_isa::store(p, v); }
ZOO_SOFTWARE_INTRINSIC void _mm_storeu_si128(__m128i* p, __m128i v) { zoo::software_isa::store(p, v); }
ZOO_SOFTWARE_INTRINSIC void _mm512_store_ps(void* p, __m512 v) {
  zoo::software_isa::require_aligned(p, 64);
  zoo::software_isa::store(p, v);
}
ZOO_SOFTWARE_INTRINSIC void _mm512_store_si512(void* p, __m512i v) {
  zoo::software_isa::require_aligned(p, 64);
  zoo::software_isa::store(p, v);
}
ZOO_SOFTWARE_INTRINSIC __m512 _mm512_castsi512_ps(__m512i a) { return reinterpret_cast<__m512>(a); }
ZOO_SOFTWARE_INTRINSIC __m512i _mm512_castps_si512(__m512 a) { return reinterpret_cast<__m512i>(a); }
ZOO_SOFTWARE_INTRINSIC __m256i _mm512_castsi512_si256(__m512i a) { return __m256i{a[0], a[1], a[2], a[3]}; }
ZOO_SOFTWARE_INTRINSIC __m128i _mm512_castsi512_si128(__m512i a) { return __m128i{a[0], a[1]}; }
ZOO_SOFTWARE_INTRINSIC __m512i _mm512_castsi128_si512(__m128i a) { return __m512i{a[0], a[1]}; }
ZOO_SOFTWARE_INTRINSIC __m512i _mm512_broadcast_i32x4(__m128i a) {
  return __m512i{a[0], a[1], a[0], a[1], a[0], a[1], a[0], a[1]};
}
ZOO_SOFTWARE_INTRINSIC __m512 _mm512_add_ps(__m512 a, __m512 b) { return a + b; }
ZOO_SOFTWARE_INTRINSIC __m512 _mm512_sub_ps(__m512 a, __m512 b) { return a - b; }
ZOO_SOFTWARE_INTRINSIC __m512 _mm512_mul_ps(__m512 a, __m512 b) { return a * b; }
ZOO_SOFTWARE_INTRINSIC __m512 _mm512_fmadd_ps(__m512 a, __m512 b, __m512 c) {
  using zoo::software_isa::half;
  return zoo::software_isa::join(__builtin_ia32_vfmaddps256(half<0>(a), half<0>(b), half<0>(c)),
                                 __builtin_ia32_vfmaddps256(half<1>(a), half<1>(b), half<1>(c)));
}
/// b where one of both is NaN, and where both are zero.
ZOO_SOFTWARE_INTRINSIC __m512 _mm512_max_ps(__m512 a, __m512 b) { return a > b ? a : b; }
ZOO_SOFTWARE_INTRINSIC __m512 _mm512_min_ps(__m512 a, __m512 b) { return a < b ? a : b; }
ZOO_SOFTWARE_INTRINSIC __m512 _mm512_mask_max_ps(__m512, __mmask16 mask, __m512 a, __m512 b) {
  if (mask != 0xFFFF) zoo::software_isa::fault("a partial mask of a maximum");
  return _mm512_max_ps(a, b);
}
ZOO_SOFTWARE_INTRINSIC __m512 _mm512_mask_min_ps(__m512, __mmask16 mask, __m512 a, __m512 b) {
  if (mask != 0xFFFF) zoo::software_isa::fault("a partial mask of a minimum");
  return _mm512_min_ps(a, b);
}
ZOO_SOFTWARE_INTRINSIC __m512i _mm512_and_si512(__m512i a, __m512i b) { return a & b; }
ZOO_SOFTWARE_INTRINSIC __m512i _mm512_or_si512(__m512i a, __m512i b) { return a | b; }
ZOO_SOFTWARE_INTRINSIC __m512i _mm512_add_epi32(__m512i a, __m512i b) {
  using zoo::software_isa::Uint32s;
  return reinterpret_cast<__m512i>(reinterpret_cast<Uint32s>(a) + reinterpret_cast<Uint32s>(b));
}

// What lies in sources: kernels compile faster so.

__m512i _mm512_set1_epi8(char x);
__m512i _mm512_setr_epi32(int e0, int e1, int e2, int e3, int e4, int e5, int e6, int e7, int e8, int e9, int e10,
                          int e11, int e12, int e13, int e14, int e15);
__m512i _mm512_set_epi32(int e15, int e14, int e13, int e12, int e11, int e10, int e9, int e8, int e7, int e6, int e5,
                         int e4, int e3, int e2, int e1, int e0);
__m128i _mm_set_epi8(char e15, char e14, char e13, char e12, char e11, char e10, char e9, char e8, char e7, char e6,
                     char e5, char e4, char e3, char e2, char e1, char e0);
__m512 _mm512_maskz_loadu_ps(__mmask16 mask, const void* p);
__m512i _mm512_maskz_loadu_epi8(__mmask64 mask, const void* p);
__m256i _mm256_maskz_loadu_epi16(__mmask16 mask, const void* p);
void _mm512_mask_storeu_epi8(void* p, __mmask64 mask, __m512i v);
void _mm512_mask_storeu_epi32(void* p, __mmask16 mask, __m512i v);
void _mm512_mask_storeu_epi64(void* p, __mmask8 mask, __m512i v);
void _mm256_mask_storeu_epi16(void* p, __mmask16 mask, __m256i v);
__m512 _mm512_maskz_mov_ps(__mmask16 mask, __m512 a);
__m128i _mm512_extracti32x4_epi32(__m512i a, int quarter);
__m256i _mm512_extracti64x4_epi64(__m512i a, int half);
__m512i _mm512_inserti32x4(__m512i a, __m128i b, int quarter);
__m512i _mm512_permutexvar_epi32(__m512i index, __m512i a);
__m512i _mm512_permutex2var_epi32(__m512i a, __m512i index, __m512i b);
__m512i _mm512_permutex2var_epi16(__m512i a, __m512i index, __m512i b);
/// Within each 16 bytes; an index with its highest bit set yields 0.
__m512i _mm512_shuffle_epi8(__m512i a, __m512i index);
__m512i _mm512_unpacklo_epi8(__m512i a, __m512i b);
__m512i _mm512_unpackhi_epi8(__m512i a, __m512i b);
__m512i _mm512_unpacklo_epi16(__m512i a, __m512i b);
__m512i _mm512_unpackhi_epi16(__m512i a, __m512i b);
__m512 _mm512_abs_ps(__m512 a);
/// Halves, quarters and so on, as compilers' own functions do it: that decides about NaN.
float _mm512_reduce_max_ps(__m512 a);
__mmask16 _mm512_cmp_ps_mask(__m512 a, __m512 b, int predicate);
__m512i _mm512_cvtps_epi32(__m512 a);
__m512 _mm512_cvtepi32_ps(__m512i a);
__m256bh _mm512_cvtneps_pbh(__m512 a);
/// `low` in the first half.
__m512bh _mm512_cvtne2ps_pbh(__m512 high, __m512 low);
/// The products of odd elements first, then of even ones, each added by a fused multiply-add; denormals become zero.
__m512 _mm512_dpbf16_ps(__m512 sums, __m512bh a, __m512bh b);
__m512i _mm512_max_epi32(__m512i a, __m512i b);
__m512i _mm512_max_epu8(__m512i a, __m512i b);
__m512i _mm512_min_epu8(__m512i a, __m512i b);
/// By 32 and more bits: zero.
__m512i _mm512_slli_epi32(__m512i a, unsigned bits);
/// By the number in the lower half of `bits`.
__m512i _mm512_sll_epi32(__m512i a, __m128i bits);
/// By 32 and more bits: the sign.
__m512i _mm512_srai_epi32(__m512i a, unsigned bits);
__m512i _mm512_packs_epi32(__m512i a, __m512i b);
__m512i _mm512_packus_epi16(__m512i a, __m512i b);
__m512i _mm512_cvtepu8_epi32(__m128i a);
__m512i _mm512_cvtepu16_epi32(__m256i a);
__m512i _mm512_cvtepi8_epi16(__m256i a);
/// The low bits.
__m128i _mm512_cvtepi32_epi8(__m512i a);
__m256i _mm512_cvtepi32_epi16(__m512i a);
/// Of unsigned numbers, limited to 255.
__m128i _mm512_cvtusepi32_epi8(__m512i a);
/// Unsigned bytes of a by signed bytes of b.
__m512i _mm512_dpbusd_epi32(__m512i sums, __m512i a, __m512i b);
__m512i _mm512_dpwssd_epi32(__m512i sums, __m512i a, __m512i b);
// NOLINTEND
