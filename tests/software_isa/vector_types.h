// Types of the software <immintrin.h>, as GCC's own defines them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

// NOLINTBEGIN: the names and types are Intel's
typedef float __m512 __attribute__((vector_size(64), may_alias));
typedef long long __m512i __attribute__((vector_size(64), may_alias));
typedef short __m512bh __attribute__((vector_size(64), may_alias));
typedef long long __m256i __attribute__((vector_size(32), may_alias));
typedef short __m256bh __attribute__((vector_size(32), may_alias));
typedef long long __m128i __attribute__((vector_size(16), may_alias));
typedef unsigned char __mmask8;
typedef unsigned short __mmask16;
typedef unsigned int __mmask32;
typedef unsigned long long __mmask64;

#define ZOO_SOFTWARE_INTRINSIC static inline __attribute__((always_inline, unused))
// NOLINTEND

namespace zoo::software_isa {

/// Says what the processor would have faulted on, and ends the program.
[[noreturn]] void fault(const char* what);

namespace {

// NOLINTBEGIN(modernize-use-using): attributes on alias declarations are ignored by GCC 12 here
typedef int32_t Int32s __attribute__((vector_size(64)));
typedef uint32_t Uint32s __attribute__((vector_size(64)));
typedef float HalfOfFloats __attribute__((vector_size(32)));
// NOLINTEND(modernize-use-using)

template <int kHalf>
ZOO_SOFTWARE_INTRINSIC HalfOfFloats half(__m512 v) {
  constexpr int kFirst = 8 * kHalf;
  return __builtin_shufflevector(v, v, kFirst, kFirst + 1, kFirst + 2, kFirst + 3, kFirst + 4, kFirst + 5, kFirst + 6,
                                 kFirst + 7);
}

ZOO_SOFTWARE_INTRINSIC __m512 join(HalfOfFloats low, HalfOfFloats high) {
  return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

inline void require_aligned(const void* p, size_t alignment) {
  if (reinterpret_cast<uintptr_t>(p) % alignment != 0) fault("an aligned access at an address that is not");
}

template <typename Vector>
ZOO_SOFTWARE_INTRINSIC Vector load(const void* p) {
  Vector v;
  std::memcpy(&v, p, sizeof(v));
  return v;
}

template <typename Vector>
ZOO_SOFTWARE_INTRINSIC void store(void* p, Vector v) {
  std::memcpy(p, &v, sizeof(v));
}

}  // namespace
}  // namespace zoo::software_isa
