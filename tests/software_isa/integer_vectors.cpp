// Of the software <immintrin.h>, whose header says what is here: arithmetic on integers.
#include <algorithm>
#include <limits>

#include "tests/software_isa/elements.h"
#include "tests/software_isa/include/immintrin.h"

namespace zoo::software_isa {
namespace {

/// Within each 16 bytes the elements of a, then those of b, limited to what T holds.
template <typename T, typename Wide>
ZOO_SOFTWARE_INTRINSIC __m512i pack(__m512i a, __m512i b) {
  constexpr int kPerQuarter = 16 / static_cast<int>(sizeof(Wide));
  const auto x = Elements<Wide, __m512i>::of(a);
  const auto y = Elements<Wide, __m512i>::of(b);
  return generate<T, __m512i>([&](int i) {
    const int at = i / (2 * kPerQuarter) * kPerQuarter + i % kPerQuarter;
    const Wide value = i / kPerQuarter % 2 == 0 ? x.at[at] : y.at[at];
    return static_cast<T>(std::clamp<Wide>(value, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
  });
}

/// Every element as T.
template <typename T, typename Result, typename From, typename Vector>
ZOO_SOFTWARE_INTRINSIC Result convert(Vector a) {
  const auto x = Elements<From, Vector>::of(a);
  return generate<T, Result>([&](int i) { return static_cast<T>(x.at[i]); });
}

/// `sums` with the products of each four (or two) neighbours of a and b added, modulo 2^32.
template <typename A, typename B>
ZOO_SOFTWARE_INTRINSIC __m512i add_products(__m512i sums, __m512i a, __m512i b) {
  constexpr int kGroup = 4 / static_cast<int>(sizeof(A));
  auto sum = Elements<uint32_t, __m512i>::of(sums);
  const auto x = Elements<A, __m512i>::of(a);
  const auto y = Elements<B, __m512i>::of(b);
  for (int i = 0; i < 16; ++i) {
    for (int k = 0; k < kGroup; ++k) {
      sum.at[i] += static_cast<uint32_t>(int32_t{x.at[i * kGroup + k]} * int32_t{y.at[i * kGroup + k]});
    }
  }
  return sum.vector();
}

}  // namespace
}  // namespace zoo::software_isa

// NOLINTBEGIN: the names are Intel's
__m512i _mm512_max_epi32(__m512i a, __m512i b) {
  return zoo::software_isa::zip<int32_t>(a, b, [](int32_t x, int32_t y) { return std::max(x, y); });
}
__m512i _mm512_max_epu8(__m512i a, __m512i b) {
  return zoo::software_isa::zip<uint8_t>(a, b, [](uint8_t x, uint8_t y) { return std::max(x, y); });
}
__m512i _mm512_min_epu8(__m512i a, __m512i b) {
  return zoo::software_isa::zip<uint8_t>(a, b, [](uint8_t x, uint8_t y) { return std::min(x, y); });
}
__m512i _mm512_slli_epi32(__m512i a, unsigned bits) {
  return zoo::software_isa::map<uint32_t>(a, [bits](uint32_t x) { return bits > 31 ? 0U : x << bits; });
}
__m512i _mm512_sll_epi32(__m512i a, __m128i bits) {
  const auto count = static_cast<unsigned long long>(bits[0]);
  return _mm512_slli_epi32(a, count > 31 ? 32U : static_cast<unsigned>(count));
}
__m512i _mm512_srai_epi32(__m512i a, unsigned bits) {
  return zoo::software_isa::map<int32_t>(a, [bits](int32_t x) { return x >> std::min(bits, 31U); });
}

__m512i _mm512_packs_epi32(__m512i a, __m512i b) { return zoo::software_isa::pack<int16_t, int32_t>(a, b); }
__m512i _mm512_packus_epi16(__m512i a, __m512i b) { return zoo::software_isa::pack<uint8_t, int16_t>(a, b); }
__m512i _mm512_cvtepu8_epi32(__m128i a) { return zoo::software_isa::convert<int32_t, __m512i, uint8_t>(a); }
__m512i _mm512_cvtepu16_epi32(__m256i a) { return zoo::software_isa::convert<int32_t, __m512i, uint16_t>(a); }
__m512i _mm512_cvtepi8_epi16(__m256i a) { return zoo::software_isa::convert<int16_t, __m512i, int8_t>(a); }
__m128i _mm512_cvtepi32_epi8(__m512i a) { return zoo::software_isa::convert<uint8_t, __m128i, uint32_t>(a); }
__m256i _mm512_cvtepi32_epi16(__m512i a) { return zoo::software_isa::convert<uint16_t, __m256i, uint32_t>(a); }
__m128i _mm512_cvtusepi32_epi8(__m512i a) {
  return _mm512_cvtepi32_epi8(
      zoo::software_isa::map<uint32_t>(a, [](uint32_t x) { return std::min<uint32_t>(x, 255U); }));
}

__m512i _mm512_dpbusd_epi32(__m512i sums, __m512i a, __m512i b) {
  return zoo::software_isa::add_products<uint8_t, int8_t>(sums, a, b);
}
__m512i _mm512_dpwssd_epi32(__m512i sums, __m512i a, __m512i b) {
  return zoo::software_isa::add_products<int16_t, int16_t>(sums, a, b);
}
// NOLINTEND
