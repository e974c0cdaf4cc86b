// Of the software <immintrin.h>, whose header says what is here: constants, loads, stores, permutations.
#include "tests/software_isa/elements.h"
#include "tests/software_isa/include/immintrin.h"

// NOLINTBEGIN: the names are Intel's

__m512i _mm512_set1_epi8(char x) {
  return zoo::software_isa::generate<char, __m512i>([x](int) { return x; });
}
__m512i _mm512_setr_epi32(int e0, int e1, int e2, int e3, int e4, int e5, int e6, int e7, int e8, int e9, int e10,
                          int e11, int e12, int e13, int e14, int e15) {
  const int e[] = {e0, e1, e2, e3, e4, e5, e6, e7, e8, e9, e10, e11, e12, e13, e14, e15};
  return zoo::software_isa::load<__m512i>(e);
}
__m512i _mm512_set_epi32(int e15, int e14, int e13, int e12, int e11, int e10, int e9, int e8, int e7, int e6, int e5,
                         int e4, int e3, int e2, int e1, int e0) {
  return _mm512_setr_epi32(e0, e1, e2, e3, e4, e5, e6, e7, e8, e9, e10, e11, e12, e13, e14, e15);
}
__m128i _mm_set_epi8(char e15, char e14, char e13, char e12, char e11, char e10, char e9, char e8, char e7, char e6,
                     char e5, char e4, char e3, char e2, char e1, char e0) {
  const char e[] = {e0, e1, e2, e3, e4, e5, e6, e7, e8, e9, e10, e11, e12, e13, e14, e15};
  return zoo::software_isa::load<__m128i>(e);
}

__m512 _mm512_maskz_loadu_ps(__mmask16 mask, const void* p) {
  return zoo::software_isa::load_masked<float, __m512>(mask, p);
}
__m512i _mm512_maskz_loadu_epi8(__mmask64 mask, const void* p) {
  return zoo::software_isa::load_masked<int8_t, __m512i>(mask, p);
}
__m256i _mm256_maskz_loadu_epi16(__mmask16 mask, const void* p) {
  return zoo::software_isa::load_masked<int16_t, __m256i>(mask, p);
}

void _mm512_mask_storeu_epi8(void* p, __mmask64 mask, __m512i v) {
  zoo::software_isa::store_masked<int8_t>(p, mask, v);
}
void _mm512_mask_storeu_epi32(void* p, __mmask16 mask, __m512i v) {
  zoo::software_isa::store_masked<int32_t>(p, mask, v);
}
void _mm512_mask_storeu_epi64(void* p, __mmask8 mask, __m512i v) {
  zoo::software_isa::store_masked<int64_t>(p, mask, v);
}
void _mm256_mask_storeu_epi16(void* p, __mmask16 mask, __m256i v) {
  zoo::software_isa::store_masked<int16_t>(p, mask, v);
}

__m512 _mm512_maskz_mov_ps(__mmask16 mask, __m512 a) { return zoo::software_isa::select<float>(mask, a, __m512{}); }

__m128i _mm512_extracti32x4_epi32(__m512i a, int quarter) { return __m128i{a[quarter * 2], a[quarter * 2 + 1]}; }
__m256i _mm512_extracti64x4_epi64(__m512i a, int half) {
  return __m256i{a[half * 4], a[half * 4 + 1], a[half * 4 + 2], a[half * 4 + 3]};
}
__m512i _mm512_inserti32x4(__m512i a, __m128i b, int quarter) {
  a[quarter * 2] = b[0];
  a[quarter * 2 + 1] = b[1];
  return a;
}

__m512i _mm512_permutexvar_epi32(__m512i index, __m512i a) {
  const auto from = zoo::software_isa::Elements<uint32_t, __m512i>::of(a);
  return zoo::software_isa::map<uint32_t>(index, [&](uint32_t i) { return from.at[i % 16]; });
}
__m512i _mm512_permutex2var_epi32(__m512i a, __m512i index, __m512i b) {
  const auto first = zoo::software_isa::Elements<uint32_t, __m512i>::of(a);
  const auto second = zoo::software_isa::Elements<uint32_t, __m512i>::of(b);
  return zoo::software_isa::map<uint32_t>(
      index, [&](uint32_t i) { return (i & 16U) == 0 ? first.at[i % 16] : second.at[i % 16]; });
}
__m512i _mm512_permutex2var_epi16(__m512i a, __m512i index, __m512i b) {
  const auto first = zoo::software_isa::Elements<uint16_t, __m512i>::of(a);
  const auto second = zoo::software_isa::Elements<uint16_t, __m512i>::of(b);
  return zoo::software_isa::map<uint16_t>(
      index, [&](uint16_t i) { return (i & 32U) == 0 ? first.at[i % 32] : second.at[i % 32]; });
}
__m512i _mm512_shuffle_epi8(__m512i a, __m512i index) {
  const auto from = zoo::software_isa::Elements<uint8_t, __m512i>::of(a);
  const auto at = zoo::software_isa::Elements<uint8_t, __m512i>::of(index);
  return zoo::software_isa::generate<uint8_t, __m512i>([&](int i) -> uint8_t {
    const uint8_t wanted = at.at[i];
    return (wanted & 0x80U) != 0 ? uint8_t{0} : from.at[i / 16 * 16 + wanted % 16];
  });
}

namespace zoo::software_isa {
namespace {

/// Within each 16 bytes, in turns the elements of a and of b from the first or the second half.
template <typename T>
ZOO_SOFTWARE_INTRINSIC __m512i unpack(__m512i a, __m512i b, int half) {
  constexpr int kPerQuarter = 16 / static_cast<int>(sizeof(T));
  const auto x = Elements<T, __m512i>::of(a);
  const auto y = Elements<T, __m512i>::of(b);
  return generate<T, __m512i>([&](int i) {
    const int at = i / kPerQuarter * kPerQuarter + half * kPerQuarter / 2 + i % kPerQuarter / 2;
    return i % 2 == 0 ? x.at[at] : y.at[at];
  });
}

}  // namespace
}  // namespace zoo::software_isa

__m512i _mm512_unpacklo_epi8(__m512i a, __m512i b) { return zoo::software_isa::unpack<int8_t>(a, b, 0); }
__m512i _mm512_unpackhi_epi8(__m512i a, __m512i b) { return zoo::software_isa::unpack<int8_t>(a, b, 1); }
__m512i _mm512_unpacklo_epi16(__m512i a, __m512i b) { return zoo::software_isa::unpack<int16_t>(a, b, 0); }
__m512i _mm512_unpackhi_epi16(__m512i a, __m512i b) { return zoo::software_isa::unpack<int16_t>(a, b, 1); }
// NOLINTEND
