// Vectors of one channel block and the functions on them that the kernel sources share; see kernels_impl.inc.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <immintrin.h>
#include <type_traits>
#include <utility>

namespace zoo::engine::kernels {
namespace {

inline constexpr int64_t kLanes = ZOO_KERNEL_LANES;
// NOLINTBEGIN(modernize-use-using): attributes on alias declarations are ignored by GCC 12 here
typedef float Vec __attribute__((vector_size(ZOO_KERNEL_LANES * sizeof(float))));
typedef int32_t IntVec __attribute__((vector_size(ZOO_KERNEL_LANES * sizeof(int32_t))));
typedef uint32_t BitVec __attribute__((vector_size(ZOO_KERNEL_LANES * sizeof(uint32_t))));
typedef uint16_t HalfVec __attribute__((vector_size(ZOO_KERNEL_LANES * sizeof(uint16_t))));
// NOLINTEND(modernize-use-using)

inline Vec load(const float* p) {
  Vec v;
  std::memcpy(&v, p, sizeof(v));
  return v;
}

inline void store(float* p, Vec v) { std::memcpy(p, &v, sizeof(v)); }

/// Keeps the compiler from loading a value again for each of its uses, as an operand from memory.
inline Vec in_register(Vec v) {
#if defined(__AVX512F__) || (defined(__AVX__) && ZOO_KERNEL_LANES == 8)  // narrower sets need two registers
  asm("" : "+v"(v));
#endif
  return v;
}

inline Vec splat(float x) { return x - Vec{}; }

/// a > b ? a : b and a < b ? a : b, so that a b that is NaN stays. GCC 12 does not find the one instruction for these;
/// its unmasked AVX-512 intrinsics warn about their own insides.
#if ZOO_KERNEL_LANES == 16
inline Vec vec_max(Vec a, Vec b) { return _mm512_mask_max_ps(b, 0xFFFF, a, b); }
inline Vec vec_min(Vec a, Vec b) { return _mm512_mask_min_ps(b, 0xFFFF, a, b); }
#elif defined(__AVX__)
inline Vec vec_max(Vec a, Vec b) { return _mm256_max_ps(a, b); }
inline Vec vec_min(Vec a, Vec b) { return _mm256_min_ps(a, b); }
#else
inline Vec vec_max(Vec a, Vec b) { return a > b ? a : b; }
inline Vec vec_min(Vec a, Vec b) { return a < b ? a : b; }
#endif

/// Calls f with the constants 0 .. kCount - 1: a loop that the compiler cannot leave rolled, so that arrays indexed by
/// its counter become registers.
template <size_t kCount, typename F>
inline __attribute__((always_inline)) void unroll(F f) {
  [&]<int... kIndex>(std::integer_sequence<int, kIndex...>) __attribute__((always_inline)) {
    (f(std::integral_constant<int, kIndex>{}), ...);
  }
  (std::make_integer_sequence<int, static_cast<int>(kCount)>{});
}

template <typename F>
inline Vec per_lane(Vec v, F f) {
  for (int64_t i = 0; i < kLanes; ++i) v[i] = f(v[i]);
  return v;
}

/// `v` with the lanes that are no channels set to zero. `channel` is the first channel of the block.
inline Vec clear_tail(Vec v, int64_t channel, int64_t channels) {
  for (int64_t i = std::max<int64_t>(0, channels - channel); i < kLanes; ++i) v[i] = 0.0F;
  return v;
}

/// exp(x) for x <= 0, within 2 units in the last place; 0 below -87. NaN stays NaN.
inline Vec exp_not_positive(Vec x) {
  const Vec lowest = splat(-87.0F);  // 2^n below stays a normal number
  const IntVec vanishes = x < lowest;
  x = vanishes ? lowest : x;
  // x = n ln 2 + r with |r| <= ln(2) / 2. The conversion truncates, which rounds to nearest as x <= 0. ln 2 comes in
  // two parts, of which the first has so few bits that its product with n is exact.
  const IntVec n = __builtin_convertvector(x * splat(1.44269504F) - splat(0.5F), IntVec);
  const Vec whole = __builtin_convertvector(n, Vec);
  const Vec r = (x - whole * splat(0.693359375F)) - whole * splat(-2.12194440e-4F);
  // Taylor series of exp(r): what follows r^7 / 7! is below 6e-9.
  Vec sum = splat(1.0F / 5040.0F);
  sum = sum * r + splat(1.0F / 720.0F);
  sum = sum * r + splat(1.0F / 120.0F);
  sum = sum * r + splat(1.0F / 24.0F);
  sum = sum * r + splat(1.0F / 6.0F);
  sum = sum * r + splat(0.5F);
  sum = sum * r + splat(1.0F);
  sum = sum * r + splat(1.0F);
  const BitVec power_bits = (__builtin_convertvector(n, BitVec) + 127U) << 23U;  // 2^n
  Vec power;
  std::memcpy(&power, &power_bits, sizeof(power));
  return vanishes ? Vec{} : sum * power;
}

}  // namespace
}  // namespace zoo::engine::kernels
