#include <algorithm>
#include <cstring>

#include "pipeline/preprocess/resample_kernels.h"

#if defined(__x86_64__)

// GCC 12 takes the undefined operands inside its own intrinsics for mistakes.
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

// An attribute and not a compiler flag, so that no function of a library header is compiled for this set.
#define ZOO_AVX512 [[gnu::target("avx512f,avx512bw,avx512vl,avx512vnni")]]

namespace zoo::pipeline {
namespace {

// The loops below multiply unsigned pixels with signed bytes of the weights, four taps at a time (vpdpbusd), and put
// the three sums together at the end. Exact, because the whole sum fits
// 32 bits and intermediate wrap-around cancels.
ZOO_AVX512 inline __m512i dot(__m512i sum, __m512i pixels, const int8_t* weights) {
  int32_t four;
  std::memcpy(&four, weights, sizeof(four));
  return _mm512_dpbusd_epi32(sum, pixels, _mm512_set1_epi32(four));
}

ZOO_AVX512 inline __m512i rounded(__m512i upper, __m512i middle, __m512i lower) {
  const __m512i whole = _mm512_add_epi32(_mm512_add_epi32(_mm512_slli_epi32(upper, 16), _mm512_slli_epi32(middle, 8)),
                                         _mm512_add_epi32(lower, _mm512_set1_epi32(kRoundingHalf)));
  return _mm512_srai_epi32(whole, kWeightBits);
}

// A quarter of the vector is a row: four taps of channel 0, of channel 1, of channel 2, and nothing of use.
ZOO_AVX512 void horizontal3_avx512(const FilterTable& table, const uint8_t* const* src, uint8_t* const* dst) {
  static_assert(kRowsPerStep == 4);
  const __m512i by_channel =
      _mm512_broadcast_i32x4(_mm_setr_epi8(0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11, -1, -1, -1, -1));
  const int8_t* weights = table.byte_weights.data();
  const auto load = [](const uint8_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); };
  for (int i = 0; i < table.count; ++i) {
    const auto index = static_cast<size_t>(i);
    const ptrdiff_t offset = static_cast<ptrdiff_t>(table.start[index] - table.in_begin) * 3;
    const int groups = (table.taps[index] + 3) / 4;
    __m512i upper = _mm512_setzero_si512();
    __m512i middle = upper;
    __m512i lower = upper;
    for (int g = 0; g < groups; ++g) {
      const ptrdiff_t at = offset + static_cast<ptrdiff_t>(g) * 12;
      __m512i pixels = _mm512_castsi128_si512(load(src[0] + at));
      pixels = _mm512_inserti32x4(pixels, load(src[1] + at), 1);
      pixels = _mm512_inserti32x4(pixels, load(src[2] + at), 2);
      pixels = _mm512_inserti32x4(pixels, load(src[3] + at), 3);
      pixels = _mm512_shuffle_epi8(pixels, by_channel);
      const int8_t* group = weights + static_cast<ptrdiff_t>(g) * 12;
      upper = dot(upper, pixels, group);
      middle = dot(middle, pixels, group + 4);
      lower = dot(lower, pixels, group + 8);
    }
    weights += static_cast<ptrdiff_t>(table.stride) * 3;
    const __m512i values = _mm512_max_epi32(rounded(upper, middle, lower), _mm512_setzero_si512());
    alignas(16) uint8_t bytes[16];
    _mm_store_si128(reinterpret_cast<__m128i*>(bytes), _mm512_cvtusepi32_epi8(values));
    const bool last = i + 1 == table.count;
    for (int r = 0; r < kRowsPerStep; ++r) {
      std::memcpy(dst[r] + static_cast<ptrdiff_t>(i) * 3, bytes + static_cast<ptrdiff_t>(r) * 4, last ? 3 : 4);
    }
  }
}

// Four rows at a time, their bytes interleaved so that a column's four taps are neighbours.
ZOO_AVX512 void vertical_avx512(const FilterTable& table, size_t index, const uint8_t* src, size_t step, uint8_t* dst,
                                size_t bytes) {
  constexpr size_t kWidth = 64;
  const auto taps = static_cast<size_t>(table.taps[index]);
  const int8_t* weights = table.byte_weights.data() + index * static_cast<size_t>(table.stride) * 3;
  for (size_t begin = 0; begin < bytes; begin += kWidth) {
    const size_t size = std::min(kWidth, bytes - begin);
    const __mmask64 inside = size == kWidth ? ~__mmask64{0} : (__mmask64{1} << size) - 1;
    __m512i upper[4];
    __m512i middle[4];
    __m512i lower[4];
    for (int j = 0; j < 4; ++j) upper[j] = middle[j] = lower[j] = _mm512_setzero_si512();
    for (size_t k = 0; k < taps; k += 4) {
      __m512i rows[4];
      // Rows past the last tap count nothing; the last one stands in for them.
      for (size_t r = 0; r < 4; ++r) {
        rows[r] = _mm512_maskz_loadu_epi8(inside, src + std::min(k + r, taps - 1) * step + begin);
      }
      const __m512i low01 = _mm512_unpacklo_epi8(rows[0], rows[1]);
      const __m512i high01 = _mm512_unpackhi_epi8(rows[0], rows[1]);
      const __m512i low23 = _mm512_unpacklo_epi8(rows[2], rows[3]);
      const __m512i high23 = _mm512_unpackhi_epi8(rows[2], rows[3]);
      const __m512i columns[4] = {_mm512_unpacklo_epi16(low01, low23), _mm512_unpackhi_epi16(low01, low23),
                                  _mm512_unpacklo_epi16(high01, high23), _mm512_unpackhi_epi16(high01, high23)};
      const int8_t* group = weights + k * 3;
      for (int j = 0; j < 4; ++j) {
        upper[j] = dot(upper[j], columns[j], group);
        middle[j] = dot(middle[j], columns[j], group + 4);
        lower[j] = dot(lower[j], columns[j], group + 8);
      }
    }
    __m512i values[4];
    for (int j = 0; j < 4; ++j) values[j] = rounded(upper[j], middle[j], lower[j]);
    // Packing works within quarters, as interleaving does, and so restores the order of the columns.
    const __m512i pixels =
        _mm512_packus_epi16(_mm512_packs_epi32(values[0], values[1]), _mm512_packs_epi32(values[2], values[3]));
    _mm512_mask_storeu_epi8(dst + begin, inside, pixels);
  }
}

}  // namespace

const ResampleKernels& avx512_resample_kernels() {
  static const ResampleKernels kernels{"avx512_vnni", avx2_resample_kernels().horizontal1, horizontal3_avx512,
                                       vertical_avx512};
  return kernels;
}

}  // namespace zoo::pipeline

#endif
