// What int8_depthwise.h wants of the sets of 256 bits. Everything has internal linkage.
#pragma once

#include <cstddef>

#include "nn/engine/kernels/int8/int8_vec256.h"
// Behind the verbs that it is written in.
#include "nn/engine/kernels/int8/int8_depthwise.h"

namespace zoo::engine::kernels {
namespace {

/// With the taps and the products of `Dot`, see int8_conv256.h.
template <typename Dot>
struct DepthwiseSet256 : Dot {
  using Register = __m256i;
  static constexpr int64_t kTaps = Dot::kTaps;
  static constexpr int kRegisters = 2;
  static constexpr int64_t kSideBySide = 1;

  template <int kPart>
  [[gnu::always_inline]] static __m256i part(const Wholes& wholes) {
    return kPart == 0 ? wholes.low : wholes.high;
  }
  [[gnu::always_inline]] static Wholes join(__m256i low, __m256i high) { return {low, high}; }

  static Wholes group(const uint8_t* line) {
    const __m128i a = load16(line);
    const __m128i b = load16(line + kInt8Lanes);
    const __m128i low = _mm_unpacklo_epi8(a, b);
    const __m128i high = _mm_unpackhi_epi8(a, b);
    if constexpr (kTaps == 2) {
      return {_mm256_cvtepu8_epi16(low), _mm256_cvtepu8_epi16(high)};
    } else {
      const __m128i c = load16(line + 2 * kInt8Lanes);
      const __m128i d = load16(line + 3 * kInt8Lanes);
      const __m128i low_cd = _mm_unpacklo_epi8(c, d);
      const __m128i high_cd = _mm_unpackhi_epi8(c, d);
      return {_mm256_set_m128i(_mm_unpackhi_epi16(low, low_cd), _mm_unpacklo_epi16(low, low_cd)),
              _mm256_set_m128i(_mm_unpackhi_epi16(high, high_cd), _mm_unpacklo_epi16(high, high_cd))};
    }
  }

  /// One group of four taps or two of two.
  static void load_weights(const int8_t* quad, Wholes* groups) {
    if constexpr (kTaps == 4) {
      groups[0] = {load32(quad), load32(quad + 32)};
    } else {
      // Four channels' taps in 16 bits per vector; even words are taps 0 and 1, odd ones 2 and 3.
      const auto* bytes = reinterpret_cast<const uint8_t*>(quad);
      const auto wide = [&](int64_t i) { return _mm256_castsi256_ps(_mm256_cvtepi8_epi16(load16(bytes + i * 16))); };
      const auto even = [](__m256 a, __m256 b) {
        return _mm256_permute4x64_epi64(_mm256_castps_si256(_mm256_shuffle_ps(a, b, 0b10'00'10'00)), 0b11'01'10'00);
      };
      const auto odd = [](__m256 a, __m256 b) {
        return _mm256_permute4x64_epi64(_mm256_castps_si256(_mm256_shuffle_ps(a, b, 0b11'01'11'01)), 0b11'01'10'00);
      };
      groups[0] = {even(wide(0), wide(1)), even(wide(2), wide(3))};
      groups[1] = {odd(wide(0), wide(1)), odd(wide(2), wide(3))};
    }
  }

  [[gnu::always_inline]] static Wholes add_results(Wholes total, const Bytes& /*positions*/, int64_t count,
                                                   const std::byte* out, int64_t pitch) {
    for (int64_t i = 0; i < count; ++i) {
      total = kernels::add(total, load_bytes(reinterpret_cast<const uint8_t*>(out) + i * pitch));
    }
    return total;
  }
};

}  // namespace
}  // namespace zoo::engine::kernels
