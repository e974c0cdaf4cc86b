// Vectors of 16 channels for the int8 kernels of AVX2, each two of 256 bits, and the verbs on them that int8_epilogue.h
// and int8_vec_maps.inc are written in; int8_vec.h has the same for AVX-512. Everything has internal linkage, so that
// nothing compiled for these sets can be picked by the linker for a lesser machine.
#pragma once

#define ZOO_INT8_NAMESPACE avx2

#include <algorithm>
#include <cstdint>
#include <immintrin.h>
#include <limits>

#include "nn/engine/kernels/int8/int8.h"

namespace zoo::engine::kernels {
namespace {

/// 16 numbers in f32, 16 in 32 bits, and the bytes of four positions. The first half comes first.
struct Floats {
  __m256 low, high;
};
struct Wholes {
  __m256i low, high;
};
struct Bytes {
  __m256i low, high;
};

/// Channels of a block of the f32 maps beside these.
inline constexpr int64_t kFloatLanes = 8;
/// Independent sums of mat_vec of one row and of several.
inline constexpr int64_t kMatVecSums[2] = {4, 1};

[[gnu::always_inline]] inline Floats splat(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
[[gnu::always_inline]] inline Floats load_floats(const float* p) {
  return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + kFloatLanes)};
}
[[gnu::always_inline]] inline Floats operator+(Floats a, Floats b) {
  return {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)};
}
[[gnu::always_inline]] inline Floats operator-(Floats a, Floats b) {
  return {_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)};
}
[[gnu::always_inline]] inline Floats operator*(Floats a, Floats b) {
  return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)};
}
[[gnu::always_inline]] inline Floats operator/(Floats a, Floats b) {
  return {_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high)};
}
[[gnu::always_inline]] inline Floats operator-(Floats a) {
  const __m256 sign = _mm256_set1_ps(-0.0F);
  return {_mm256_xor_ps(a.low, sign), _mm256_xor_ps(a.high, sign)};
}
/// a * b + c, rounded once.
[[gnu::always_inline]] inline Floats multiply_add(Floats a, Floats b, Floats c) {
  return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
}
/// The larger and the smaller of both. x86 yields the second operand where one is NaN.
[[gnu::always_inline]] inline Floats larger(Floats a, Floats b) {
  return {_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)};
}
[[gnu::always_inline]] inline Floats smaller(Floats a, Floats b) {
  return {_mm256_min_ps(a.low, b.low), _mm256_min_ps(a.high, b.high)};
}
/// x > 0 ? a : b.
[[gnu::always_inline]] inline Floats if_positive(Floats x, Floats a, Floats b) {
  const auto half = [](__m256 h, __m256 yes, __m256 no) {
    return _mm256_blendv_ps(no, yes, _mm256_cmp_ps(h, _mm256_setzero_ps(), _CMP_GT_OQ));
  };
  return {half(x.low, a.low, b.low), half(x.high, a.high, b.high)};
}
/// 2^n of bits that are n in their lowest ones, n from -126 to 0.
[[gnu::always_inline]] inline Floats power_of_two(Floats x) {
  const auto half = [](__m256 h) {
    const __m256i exponent = _mm256_add_epi32(_mm256_castps_si256(h), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23));
  };
  return {half(x.low), half(x.high)};
}
[[gnu::always_inline]] inline Floats to_floats(Wholes a) {
  return {_mm256_cvtepi32_ps(a.low), _mm256_cvtepi32_ps(a.high)};
}
/// To nearest even; what 32 bits cannot hold becomes the least number.
[[gnu::always_inline]] inline Wholes to_wholes(Floats a) {
  return {_mm256_cvtps_epi32(a.low), _mm256_cvtps_epi32(a.high)};
}

[[gnu::always_inline]] inline __m128i load16(const uint8_t* p) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}
[[gnu::always_inline]] inline void store16(uint8_t* p, __m128i v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), v);
}
[[gnu::always_inline]] inline __m256i load32(const void* p) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(p));
}
[[gnu::always_inline]] inline void store32(void* p, __m256i v) { _mm256_storeu_si256(static_cast<__m256i*>(p), v); }

[[gnu::always_inline]] inline Wholes load_bytes(const uint8_t* bytes) {
  const __m128i packed = load16(bytes);
  return {_mm256_cvtepu8_epi32(packed), _mm256_cvtepu8_epi32(_mm_unpackhi_epi64(packed, packed))};
}
[[gnu::always_inline]] inline Floats bytes_to_float(const uint8_t* bytes) { return to_floats(load_bytes(bytes)); }

/// All bits of the lanes of half `h` before `count`.
[[gnu::always_inline]] inline __m256i first_lanes(int64_t count, int64_t h) {
  const auto left = static_cast<int32_t>(std::clamp<int64_t>(count - h * kFloatLanes, 0, kFloatLanes));
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(left), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
/// Zero from lane `count` on.
[[gnu::always_inline]] inline Floats keep_first(Floats v, int64_t count) {
  return {_mm256_and_ps(v.low, _mm256_castsi256_ps(first_lanes(count, 0))),
          _mm256_and_ps(v.high, _mm256_castsi256_ps(first_lanes(count, 1)))};
}
/// Lanes [first, end) from p + lane; zero elsewhere, where nothing is read.
[[gnu::always_inline]] inline Floats load_between(const float* p, int64_t first, int64_t end) {
  const auto half = [&](int64_t h) {
    return _mm256_maskload_ps(p + h * kFloatLanes, _mm256_andnot_si256(first_lanes(first, h), first_lanes(end, h)));
  };
  return {half(0), half(1)};
}

/// A block of f32: its first half lies at p, its second one `half_pitch` further, unless that is 0: then there is none,
/// read as zero.
[[gnu::always_inline]] inline Floats load_halves(const float* p, int64_t half_pitch) {
  return {_mm256_loadu_ps(p), half_pitch == 0 ? _mm256_setzero_ps() : _mm256_loadu_ps(p + half_pitch)};
}
[[gnu::always_inline]] inline void store_halves(float* p, int64_t half_pitch, Floats v) {
  _mm256_storeu_ps(p, v.low);
  if (half_pitch != 0) _mm256_storeu_ps(p + half_pitch, v.high);
}

[[gnu::always_inline]] inline Wholes zero_wholes() { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
[[gnu::always_inline]] inline Wholes add(Wholes a, Wholes b) {
  return {_mm256_add_epi32(a.low, b.low), _mm256_add_epi32(a.high, b.high)};
}
[[gnu::always_inline]] inline Wholes either(Wholes a, Wholes b) {
  return {_mm256_or_si256(a.low, b.low), _mm256_or_si256(a.high, b.high)};
}
[[gnu::always_inline]] inline Wholes not_negative(Wholes a) {
  return {_mm256_max_epi32(a.low, _mm256_setzero_si256()), _mm256_max_epi32(a.high, _mm256_setzero_si256())};
}
[[gnu::always_inline]] inline Wholes shift_left(Wholes a, int64_t bits) {
  const __m128i by = _mm_cvtsi64_si128(bits);
  return {_mm256_sll_epi32(a.low, by), _mm256_sll_epi32(a.high, by)};
}
[[gnu::always_inline]] inline void store_wholes(int32_t* p, Wholes a) {
  store32(p, a.low);
  store32(p + kFloatLanes, a.high);
}
[[gnu::always_inline]] inline void store_first_wholes(uint8_t* p, Wholes a, int64_t count) {
  auto* to = reinterpret_cast<int*>(p);
  _mm256_maskstore_epi32(to, first_lanes(count, 0), a.low);
  _mm256_maskstore_epi32(to + kFloatLanes, first_lanes(count, 1), a.high);
}
/// Of numbers that 16 bits and 8 bits without a sign hold.
[[gnu::always_inline]] inline __m256i to_shorts(Wholes a) {
  return _mm256_permute4x64_epi64(_mm256_packs_epi32(a.low, a.high), 0b11'01'10'00);
}
[[gnu::always_inline]] inline void store_shorts(int16_t* p, Wholes a) { store32(p, to_shorts(a)); }
[[gnu::always_inline]] inline void store_bytes(uint8_t* p, Wholes a) {
  const __m256i shorts = to_shorts(a);
  store16(p, _mm_packus_epi16(_mm256_castsi256_si128(shorts), _mm256_extracti128_si256(shorts, 1)));
}

/// The largest size of numbers, of whose rest one is enough to make `all_finite` false.
class Largest {
 public:
  void take(Floats v) {
    for (const __m256 half : {v.low, v.high}) {
      const __m256 size = _mm256_andnot_ps(_mm256_set1_ps(-0.0F), half);
      const __m256 most = _mm256_set1_ps(std::numeric_limits<float>::max());
      not_finite_ = _mm256_or_ps(not_finite_, _mm256_cmp_ps(size, most, _CMP_NLE_UQ));
      largest_ = _mm256_max_ps(largest_, size);
    }
  }
  bool all_finite() const { return _mm256_movemask_ps(not_finite_) == 0; }
  float value() const {
    alignas(32) float values[kFloatLanes];
    _mm256_store_ps(values, largest_);
    return *std::max_element(values, values + kFloatLanes);
  }

 private:
  __m256 largest_ = _mm256_setzero_ps();
  __m256 not_finite_ = _mm256_setzero_ps();
};

/// 16 pairs of weights in 16 bits, and their products with one pair added to sums.
[[gnu::always_inline]] inline Wholes load_pairs(const int8_t* weights) {
  const auto half = [&](int64_t h) {
    return _mm256_cvtepi8_epi16(load16(reinterpret_cast<const uint8_t*>(weights) + h * kInt8Lanes));
  };
  return {half(0), half(1)};
}
[[gnu::always_inline]] inline Wholes add_products(Wholes sums, int32_t pair, Wholes weights) {
  const __m256i x = _mm256_set1_epi32(pair);
  return {_mm256_add_epi32(sums.low, _mm256_madd_epi16(x, weights.low)),
          _mm256_add_epi32(sums.high, _mm256_madd_epi16(x, weights.high))};
}

[[gnu::always_inline]] inline Bytes splat_bytes(int32_t x) {
  const __m256i bytes = _mm256_set1_epi8(static_cast<char>(x));
  return {bytes, bytes};
}
[[gnu::always_inline]] inline Bytes between(Bytes a, Bytes low, Bytes high) {
  return {_mm256_min_epu8(_mm256_max_epu8(a.low, low.low), high.low),
          _mm256_min_epu8(_mm256_max_epu8(a.high, low.high), high.high)};
}

/// Four positions' whole numbers, limited to 0 .. 255: two positions in each half of the result, 4 channels of the one
/// and the other by turns.
[[gnu::always_inline]] inline Bytes pack_four(Wholes a, Wholes b, Wholes c, Wholes d) {
  const auto shorts = [](Wholes w) { return _mm256_packs_epi32(w.low, w.high); };
  return {_mm256_packus_epi16(shorts(a), shorts(b)), _mm256_packus_epi16(shorts(c), shorts(d))};
}

/// Quarter p of the result has the channels of position p.
[[gnu::always_inline]] inline Bytes by_position(Bytes packed) {
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  return {_mm256_permutevar8x32_epi32(packed.low, order), _mm256_permutevar8x32_epi32(packed.high, order)};
}

/// Stores the first `count` of four positions.
[[gnu::always_inline]] inline void store_positions(Bytes positions, int64_t count, std::byte* dst, int64_t pitch) {
  const auto at = [&](int64_t p) { return reinterpret_cast<__m128i*>(dst + p * pitch); };
  _mm_storeu_si128(at(0), _mm256_castsi256_si128(positions.low));
  if (count > 1) _mm_storeu_si128(at(1), _mm256_extracti128_si256(positions.low, 1));
  if (count > 2) _mm_storeu_si128(at(2), _mm256_castsi256_si128(positions.high));
  if (count > 3) _mm_storeu_si128(at(3), _mm256_extracti128_si256(positions.high, 1));
}

}  // namespace
}  // namespace zoo::engine::kernels

#include "nn/engine/kernels/int8/int8_epilogue.h"
#include "nn/engine/kernels/int8/int8_maps.h"
