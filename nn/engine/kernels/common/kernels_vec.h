// Vectors of one channel block and the functions on them that the kernel sources share; see kernels_impl.inc.
#pragma once

#include <algorithm>
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

}  // namespace
}  // namespace zoo::engine::kernels
