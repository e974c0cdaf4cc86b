// Vectors of 16 channels for the int8 kernels of AVX-512, and the verbs on them that int8_epilogue.h and
// int8_vec_maps.inc are written in; int8_vec256.h has the same for AVX2. Everything has internal linkage, so that
// nothing compiled for these sets can be picked by the linker for a lesser machine.
#pragma once

#define ZOO_INT8_NAMESPACE vnni

#include <algorithm>
#include <cstdint>
#include <immintrin.h>
#include <limits>

#include "nn/engine/kernels/int8/int8.h"

namespace zoo::engine::kernels {
namespace {

/// 16 numbers in f32, 16 in 32 bits, and the bytes of four positions.
using Floats = __m512;
using Wholes = __m512i;
using Bytes = __m512i;

/// Channels of a block of the f32 maps beside these.
inline constexpr int64_t kFloatLanes = 16;
/// Independent sums of mat_vec of one row and of several.
inline constexpr int64_t kMatVecSums[2] = {4, 2};

inline Floats splat(float x) { return _mm512_set1_ps(x); }
inline Floats load_floats(const float* p) { return _mm512_loadu_ps(p); }
/// a * b + c, rounded once.
inline Floats multiply_add(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
/// The larger and the smaller of both. x86 yields the second operand where one is NaN.
inline Floats larger(Floats a, Floats b) { return _mm512_max_ps(a, b); }
inline Floats smaller(Floats a, Floats b) { return _mm512_min_ps(a, b); }
/// x > 0 ? a : b.
inline Floats if_positive(Floats x, Floats a, Floats b) { return x > _mm512_setzero_ps() ? a : b; }
/// 2^n of bits that are n in their lowest ones, n from -126 to 0.
inline Floats power_of_two(Floats x) {
  const __m512i exponent = _mm512_add_epi32(_mm512_castps_si512(x), _mm512_set1_epi32(127));
  return _mm512_castsi512_ps(_mm512_slli_epi32(exponent, 23));
}
inline Floats to_floats(Wholes a) { return _mm512_cvtepi32_ps(a); }
/// To nearest even; what 32 bits cannot hold becomes the least number.
inline Wholes to_wholes(Floats a) { return _mm512_cvtps_epi32(a); }

inline Wholes load_bytes(const uint8_t* bytes) {
  return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes)));
}
inline Floats bytes_to_float(const uint8_t* bytes) { return to_floats(load_bytes(bytes)); }

inline __mmask16 first_lanes(int64_t count) {
  return static_cast<__mmask16>(count >= kInt8Lanes ? 0xFFFF : (1U << std::max<int64_t>(count, 0)) - 1U);
}
/// Zero from lane `count` on.
inline Floats keep_first(Floats v, int64_t count) { return _mm512_maskz_mov_ps(first_lanes(count), v); }
/// Lanes [first, end) from p + lane; zero elsewhere, where nothing is read.
inline Floats load_between(const float* p, int64_t first, int64_t end) {
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>(first_lanes(end) & ~first_lanes(first)), p);
}

/// A block of f32: all of it lies at p. (With 8 lanes its second half lies `half_pitch` further, unless that is 0:
/// then there is none.)
inline Floats load_halves(const float* p, int64_t /*half_pitch*/) { return _mm512_loadu_ps(p); }
inline void store_halves(float* p, int64_t /*half_pitch*/, Floats v) { _mm512_storeu_ps(p, v); }

inline Wholes zero_wholes() { return _mm512_setzero_si512(); }
inline Wholes add(Wholes a, Wholes b) { return _mm512_add_epi32(a, b); }
inline Wholes either(Wholes a, Wholes b) { return _mm512_or_si512(a, b); }
inline Wholes not_negative(Wholes a) { return _mm512_max_epi32(a, _mm512_setzero_si512()); }
inline Wholes shift_left(Wholes a, int64_t bits) { return _mm512_sll_epi32(a, _mm_cvtsi64_si128(bits)); }
inline void store_wholes(int32_t* p, Wholes a) { _mm512_storeu_si512(p, a); }
inline void store_first_wholes(uint8_t* p, Wholes a, int64_t count) {
  _mm512_mask_storeu_epi32(p, first_lanes(count), a);
}
/// The low 16 and the low 8 bits of each.
inline void store_shorts(int16_t* p, Wholes a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(a));
}
inline void store_bytes(uint8_t* p, Wholes a) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(a));
}

/// The largest size of numbers, of whose rest one is enough to make `all_finite` false.
class Largest {
 public:
  void take(Floats v) {
    const Floats size = _mm512_abs_ps(v);
    const __mmask16 beyond = _mm512_cmp_ps_mask(size, splat(std::numeric_limits<float>::max()), _CMP_NLE_UQ);
    not_finite_ = static_cast<__mmask16>(not_finite_ | beyond);
    largest_ = larger(largest_, size);
  }
  bool all_finite() const { return not_finite_ == 0; }
  float value() const { return _mm512_reduce_max_ps(largest_); }

 private:
  Floats largest_ = _mm512_setzero_ps();
  __mmask16 not_finite_ = 0;
};

/// 16 pairs of weights in 16 bits, and their products with one pair added to sums.
inline Wholes load_pairs(const int8_t* weights) {
  return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(weights)));
}
inline Wholes add_products(Wholes sums, int32_t pair, Wholes weights) {
  return _mm512_dpwssd_epi32(sums, _mm512_set1_epi32(pair), weights);
}

inline Bytes splat_bytes(int32_t x) { return _mm512_set1_epi8(static_cast<char>(x)); }
inline Bytes between(Bytes a, Bytes low, Bytes high) { return _mm512_min_epu8(_mm512_max_epu8(a, low), high); }

/// Four positions' whole numbers, limited to 0 .. 255: quarter q of the result has channels 4 q to 4 q + 3 of the first
/// position, then of the second and so on.
inline __m512i pack_four(__m512i a, __m512i b, __m512i c, __m512i d) {
  return _mm512_packus_epi16(_mm512_packs_epi32(a, b), _mm512_packs_epi32(c, d));
}

/// Quarter p of the result has the channels of position p.
inline __m512i by_position(__m512i packed) {
  const __m512i order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
  return _mm512_permutexvar_epi32(order, packed);
}

/// Stores the first `count` of four positions.
inline void store_positions(__m512i positions, int64_t count, std::byte* dst, int64_t pitch) {
  const auto at = [&](int64_t p) { return reinterpret_cast<__m128i*>(dst + p * pitch); };
  _mm_storeu_si128(at(0), _mm512_castsi512_si128(positions));
  if (count > 1) _mm_storeu_si128(at(1), _mm512_extracti32x4_epi32(positions, 1));
  if (count > 2) _mm_storeu_si128(at(2), _mm512_extracti32x4_epi32(positions, 2));
  if (count > 3) _mm_storeu_si128(at(3), _mm512_extracti32x4_epi32(positions, 3));
}

}  // namespace

namespace vnni {

/// int8_depthwise.cpp
void depthwise(const Int8Depthwise& op, const uint8_t* src, uint8_t* dst, int32_t* sums, std::byte* ring, int64_t begin,
               int64_t end);

}  // namespace vnni
}  // namespace zoo::engine::kernels

#include "nn/engine/kernels/int8/int8_epilogue.h"
#include "nn/engine/kernels/int8/int8_maps.h"
