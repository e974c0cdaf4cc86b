#include <cstring>
#include <immintrin.h>

#include "tests/software_isa/intrinsics_cases.h"

namespace zoo::software_isa {
namespace {

__m256 floats(const Operand& x, size_t half) {
  return _mm256_loadu_ps(reinterpret_cast<const float*>(x.data() + half * 32));
}
__m256i ints(const Operand& x, size_t half) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x.data() + half * 32));
}
/// Of `count` bytes that the conversions widen.
__m128i narrow(const Operand& x, size_t half, size_t count) {
  __m128i v = _mm_setzero_si128();
  std::memcpy(&v, x.data() + half * count, count);
  return v;
}

template <typename Vector>
void put(Operand& out, size_t half, const Vector& v) {
  std::memcpy(out.data() + half * 32, &v, sizeof(v));
}

/// Of both halves, 16 bits.
template <int kPredicate>
void compare(const Inputs& in, Operand& out) {
  const int low = _mm256_movemask_ps(_mm256_cmp_ps(floats(in.a, 0), floats(in.b, 0), kPredicate));
  const int high = _mm256_movemask_ps(_mm256_cmp_ps(floats(in.a, 1), floats(in.b, 1), kPredicate));
  const auto mask = static_cast<uint16_t>(low | high << 8);
  std::memcpy(out.data(), &mask, sizeof(mask));
}

#define ZOO_HALVES(name, yields, ...)                                      \
  {                                                                        \
    name, yields, [](const Inputs& in, Operand& out) {                     \
      for (size_t half = 0; half < 2; ++half) put(out, half, __VA_ARGS__); \
    }                                                                      \
  }
#define ZOO_FLOATS(name, intrinsic, ...) ZOO_HALVES("_mm512_" name, Yields::kFloats, intrinsic(__VA_ARGS__))
#define ZOO_BITS(name, intrinsic, ...) ZOO_HALVES("_mm512_" name, Yields::kBits, intrinsic(__VA_ARGS__))

}  // namespace

std::vector<IntrinsicCase> avx2_cases() {
  return {
      ZOO_FLOATS("add_ps", _mm256_add_ps, floats(in.a, half), floats(in.b, half)),
      ZOO_FLOATS("sub_ps", _mm256_sub_ps, floats(in.a, half), floats(in.b, half)),
      ZOO_FLOATS("mul_ps", _mm256_mul_ps, floats(in.a, half), floats(in.b, half)),
      ZOO_FLOATS("fmadd_ps", _mm256_fmadd_ps, floats(in.a, half), floats(in.b, half), floats(in.c, half)),
      ZOO_FLOATS("max_ps", _mm256_max_ps, floats(in.a, half), floats(in.b, half)),
      ZOO_FLOATS("min_ps", _mm256_min_ps, floats(in.a, half), floats(in.b, half)),
      ZOO_BITS("abs_ps", _mm256_andnot_ps, _mm256_set1_ps(-0.0F), floats(in.a, half)),
      {"_CMP_NLE_UQ", Yields::kBits, compare<_CMP_NLE_UQ>},
      ZOO_BITS("cvtps_epi32", _mm256_cvtps_epi32, floats(in.a, half)),
      ZOO_FLOATS("cvtepi32_ps", _mm256_cvtepi32_ps, ints(in.a, half)),

      ZOO_BITS("and_si512", _mm256_and_si256, ints(in.a, half), ints(in.b, half)),
      ZOO_BITS("or_si512", _mm256_or_si256, ints(in.a, half), ints(in.b, half)),
      ZOO_BITS("add_epi32", _mm256_add_epi32, ints(in.a, half), ints(in.b, half)),
      ZOO_BITS("max_epi32", _mm256_max_epi32, ints(in.a, half), ints(in.b, half)),
      ZOO_BITS("max_epu8", _mm256_max_epu8, ints(in.a, half), ints(in.b, half)),
      ZOO_BITS("min_epu8", _mm256_min_epu8, ints(in.a, half), ints(in.b, half)),
      ZOO_BITS("slli_epi32", _mm256_slli_epi32, ints(in.a, half), 16),
      ZOO_BITS("sll_epi32", _mm256_sll_epi32, ints(in.a, half),
               _mm_cvtsi64_si128(static_cast<long long>(in.mask % 40))),
      ZOO_BITS("srai_epi32", _mm256_srai_epi32, ints(in.a, half), 7),
      ZOO_BITS("packs_epi32", _mm256_packs_epi32, ints(in.a, half), ints(in.b, half)),
      ZOO_BITS("packus_epi16", _mm256_packus_epi16, ints(in.a, half), ints(in.b, half)),
      ZOO_BITS("cvtepu8_epi32", _mm256_cvtepu8_epi32, narrow(in.a, half, 8)),
      ZOO_BITS("cvtepu16_epi32", _mm256_cvtepu16_epi32, narrow(in.a, half, 16)),
      ZOO_BITS("cvtepi8_epi16", _mm256_cvtepi8_epi16, narrow(in.a, half, 16)),
      ZOO_BITS("dpwssd_epi32", _mm256_add_epi32, ints(in.a, half),
               _mm256_madd_epi16(ints(in.b, half), ints(in.c, half))),
      ZOO_BITS("dpbusd_epi32", _mm256_add_epi32, ints(in.a, half),
               // Even and odd bytes apart, as the 16-bit sums of neighbours would not hold them.
               _mm256_add_epi32(
                   _mm256_madd_epi16(_mm256_and_si256(ints(in.b, half), _mm256_set1_epi16(0xFF)),
                                     _mm256_srai_epi16(_mm256_slli_epi16(ints(in.c, half), 8), 8)),
                   _mm256_madd_epi16(_mm256_srli_epi16(ints(in.b, half), 8), _mm256_srai_epi16(ints(in.c, half), 8)))),
      ZOO_BITS("shuffle_epi8", _mm256_shuffle_epi8, ints(in.a, half), ints(in.b, half)),
      ZOO_BITS("unpacklo_epi8", _mm256_unpacklo_epi8, ints(in.a, half), ints(in.b, half)),
      ZOO_BITS("unpackhi_epi8", _mm256_unpackhi_epi8, ints(in.a, half), ints(in.b, half)),
      ZOO_BITS("unpacklo_epi16", _mm256_unpacklo_epi16, ints(in.a, half), ints(in.b, half)),
      ZOO_BITS("unpackhi_epi16", _mm256_unpackhi_epi16, ints(in.a, half), ints(in.b, half)),
  };
}

}  // namespace zoo::software_isa
