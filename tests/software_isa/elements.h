// Loops over the elements of vectors, for the sources of the software <immintrin.h>.
#pragma once

#include "tests/software_isa/vector_types.h"

namespace zoo::software_isa {
namespace {

/// The elements of a vector.
template <typename T, typename Vector>
struct Elements {
  static constexpr int kCount = sizeof(Vector) / sizeof(T);
  alignas(sizeof(Vector)) T at[kCount];

  Elements() = default;
  ZOO_SOFTWARE_INTRINSIC Elements of(Vector v) {
    Elements e;
    std::memcpy(e.at, &v, sizeof(v));
    return e;
  }
  __attribute__((always_inline)) Vector vector() const {
    Vector v;
    std::memcpy(&v, at, sizeof(v));
    return v;
  }
};

/// f(element) of every element.
template <typename T, typename Vector, typename F>
ZOO_SOFTWARE_INTRINSIC Vector map(Vector a, F f) {
  auto x = Elements<T, Vector>::of(a);
  for (T& value : x.at) value = f(value);
  return x.vector();
}

/// f(element of a, element of b).
template <typename T, typename Vector, typename F>
ZOO_SOFTWARE_INTRINSIC Vector zip(Vector a, Vector b, F f) {
  auto x = Elements<T, Vector>::of(a);
  const auto y = Elements<T, Vector>::of(b);
  for (int i = 0; i < x.kCount; ++i) x.at[i] = f(x.at[i], y.at[i]);
  return x.vector();
}

/// f(index) as elements.
template <typename T, typename Vector, typename F>
ZOO_SOFTWARE_INTRINSIC Vector generate(F f) {
  Elements<T, Vector> x;
  for (int i = 0; i < x.kCount; ++i) x.at[i] = f(i);
  return x.vector();
}

/// Element i where bit i of the mask is set.
template <typename T, typename Vector>
ZOO_SOFTWARE_INTRINSIC Vector load_masked(uint64_t mask, const void* p) {
  const auto* bytes = static_cast<const std::byte*>(p);
  Elements<T, Vector> x;
  for (int i = 0; i < x.kCount; ++i) {
    x.at[i] = T{};
    if ((mask >> i & 1U) != 0) std::memcpy(&x.at[i], bytes + i * static_cast<int>(sizeof(T)), sizeof(T));
  }
  return x.vector();
}

template <typename T, typename Vector>
ZOO_SOFTWARE_INTRINSIC void store_masked(void* p, uint64_t mask, Vector v) {
  auto* bytes = static_cast<std::byte*>(p);
  const auto x = Elements<T, Vector>::of(v);
  for (int i = 0; i < x.kCount; ++i) {
    if ((mask >> i & 1U) != 0) std::memcpy(bytes + i * static_cast<int>(sizeof(T)), &x.at[i], sizeof(T));
  }
}

/// Element i of a where bit i of the mask is set, else of b.
template <typename T, typename Vector>
ZOO_SOFTWARE_INTRINSIC Vector select(uint64_t mask, Vector a, Vector b) {
  const auto x = Elements<T, Vector>::of(a);
  auto y = Elements<T, Vector>::of(b);
  for (int i = 0; i < x.kCount; ++i) {
    if ((mask >> i & 1U) != 0) y.at[i] = x.at[i];
  }
  return y.vector();
}

}  // namespace
}  // namespace zoo::software_isa
