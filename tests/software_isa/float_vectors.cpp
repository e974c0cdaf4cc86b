// Of the software <immintrin.h>, whose header says what is here: arithmetic on 16 floats, and conversions from and to
// them.
//
// Rounding is to nearest even, the mode of every thread of the engine. Sums and products are plain expressions, as
// GCC's own intrinsics are: -ffp-contract decides alike about both.
#include <bit>
#include <cmath>

#include "tests/software_isa/elements.h"
#include "tests/software_isa/include/immintrin.h"

// NOLINTBEGIN: the names are Intel's

__m512 _mm512_abs_ps(__m512 a) {
  return zoo::software_isa::map<uint32_t>(a, [](uint32_t bits) { return bits & 0x7FFFFFFFU; });
}
float _mm512_reduce_max_ps(__m512 a) {
  for (int count = 8; count > 0; count /= 2) {
    for (int i = 0; i < count; ++i) a[i] = a[i + count] > a[i] ? a[i + count] : a[i];
  }
  return a[0];
}

namespace zoo::software_isa {
namespace {

/// One of the 16 relations of _CMP_*; the other 16 differ in the exceptions that they raise.
inline bool compare(float a, float b, int predicate) {
  constexpr int kLess = 1, kEqual = 2, kGreater = 4, kUnordered = 8;
  constexpr int kTrue[16] = {kEqual,
                             kLess,
                             kLess | kEqual,
                             kUnordered,
                             kLess | kGreater | kUnordered,
                             kEqual | kGreater | kUnordered,
                             kGreater | kUnordered,
                             kLess | kEqual | kGreater,
                             kEqual | kUnordered,
                             kLess | kUnordered,
                             kLess | kEqual | kUnordered,
                             0,
                             kLess | kGreater,
                             kEqual | kGreater,
                             kGreater,
                             kLess | kEqual | kGreater | kUnordered};
  const int relation = a < b ? kLess : a == b ? kEqual : a > b ? kGreater : kUnordered;
  return (kTrue[predicate % 16] & relation) != 0;
}

/// What is beyond 32 bits, or NaN, becomes the smallest number.
inline int32_t to_int32(float x) {
  constexpr float kLimit = 2147483648.0F;
  return x >= -kLimit && x < kLimit ? static_cast<int32_t>(std::nearbyint(x)) : INT32_MIN;
}

/// With zeros of the same sign for denormals.
ZOO_SOFTWARE_INTRINSIC __m512 flushed(Uint32s bits) {
  const Uint32s sign = bits & 0x80000000U;
  return reinterpret_cast<__m512>((bits & 0x7F800000U) == 0 ? sign : bits);
}
ZOO_SOFTWARE_INTRINSIC __m512 flushed(__m512 v) { return flushed(reinterpret_cast<Uint32s>(v)); }

/// The elements at odd and at even places of two vectors of bf16.
ZOO_SOFTWARE_INTRINSIC __m512 odd(__m512bh v) { return flushed(reinterpret_cast<Uint32s>(v) & 0xFFFF0000U); }
ZOO_SOFTWARE_INTRINSIC __m512 even(__m512bh v) { return flushed(reinterpret_cast<Uint32s>(v) << 16U); }

/// To nearest even; denormals become zero, NaN quiet.
inline uint16_t to_bf16(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  if (std::isnan(x)) return static_cast<uint16_t>(bits >> 16U | 0x40U);
  if ((bits & 0x7F800000U) == 0) return static_cast<uint16_t>(bits >> 16U & 0x8000U);
  return static_cast<uint16_t>((bits + 0x7FFFU + (bits >> 16U & 1U)) >> 16U);
}

}  // namespace
}  // namespace zoo::software_isa

__mmask16 _mm512_cmp_ps_mask(__m512 a, __m512 b, int predicate) {
  __mmask16 mask = 0;
  for (int i = 0; i < 16; ++i) {
    if (zoo::software_isa::compare(a[i], b[i], predicate)) mask = static_cast<__mmask16>(mask | 1U << i);
  }
  return mask;
}

__m512i _mm512_cvtps_epi32(__m512 a) {
  const auto x = zoo::software_isa::Elements<float, __m512>::of(a);
  return zoo::software_isa::generate<int32_t, __m512i>([&](int i) { return zoo::software_isa::to_int32(x.at[i]); });
}
__m512 _mm512_cvtepi32_ps(__m512i a) {
  const auto x = zoo::software_isa::Elements<int32_t, __m512i>::of(a);
  return zoo::software_isa::generate<float, __m512>([&](int i) { return static_cast<float>(x.at[i]); });
}
__m256bh _mm512_cvtneps_pbh(__m512 a) {
  const auto x = zoo::software_isa::Elements<float, __m512>::of(a);
  return zoo::software_isa::generate<uint16_t, __m256bh>([&](int i) { return zoo::software_isa::to_bf16(x.at[i]); });
}
__m512bh _mm512_cvtne2ps_pbh(__m512 high, __m512 low) {
  const auto x = zoo::software_isa::Elements<float, __m512>::of(low);
  const auto y = zoo::software_isa::Elements<float, __m512>::of(high);
  return zoo::software_isa::generate<uint16_t, __m512bh>(
      [&](int i) { return zoo::software_isa::to_bf16(i < 16 ? x.at[i] : y.at[i - 16]); });
}
__m512 _mm512_dpbf16_ps(__m512 sums, __m512bh a, __m512bh b) {
  using zoo::software_isa::even;
  using zoo::software_isa::flushed;
  using zoo::software_isa::odd;
  sums = flushed(_mm512_fmadd_ps(odd(a), odd(b), flushed(sums)));
  return flushed(_mm512_fmadd_ps(even(a), even(b), sums));
}
// NOLINTEND
