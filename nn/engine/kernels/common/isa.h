// The instruction sets that own kernels are compiled for.
#pragma once

#include <cstdint>
#include <string_view>

namespace zoo::engine::kernels {

/// Of the kernels of f32 networks, narrowest first; all others come on top of one of them.
enum class Isa { kSse, kAvx2, kAvx512 };

/// Of the kernels of int8 networks, slowest first.
enum class Int8Isa {
  kReference,  ///< plain loops
  kAvx2,
  kAvxVnni,  ///< the same, dot products of VNNI on vectors of 256 bits
  kVnni,     ///< AVX-512 with VNNI
  kAmx,      ///< the same, convolutions on AMX tiles
};

/// What each set of the f32 kernels has of something: null where it has none.
template <typename T>
struct PerIsa {
  T* sse;
  T* avx2;
  T* avx512;

  constexpr T* operator[](Isa isa) const {
    if (isa == Isa::kAvx512) return avx512;
    return isa == Isa::kAvx2 ? avx2 : sse;
  }
};

std::string_view to_string(Isa isa);
std::string_view to_string(Int8Isa isa);

/// Channels of a block of a map; with SSE two vectors.
constexpr int64_t lanes_of(Isa isa) { return isa == Isa::kAvx512 ? 16 : 8; }
/// The same of the f32 maps beside the bytes of an int8 network; the reference takes any.
constexpr int64_t lanes_of(Int8Isa isa) { return isa == Int8Isa::kAvx2 || isa == Int8Isa::kAvxVnni ? 8 : 16; }

}  // namespace zoo::engine::kernels
