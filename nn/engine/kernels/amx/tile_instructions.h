// Instructions on AMX's tile registers. For files compiled for AMX only; everything has internal linkage.
//
// Loads and products are followed by empty instructions, which keep them from entering the core side by side. Alone on
// a core that changes nothing: a product occupies the multiplier for 16 cycles, an empty instruction nothing that it
// needs. Where the core's other hardware thread multiplies tiles, too, products are 1.5 times as fast so on Sapphire
// Rapids (`zoo_benchmarks --benchmark_filter=tiles`); with fewer empty instructions they gain less, with more nothing.
#pragma once

#include <cstdint>

namespace zoo::engine::kernels {
namespace {

#define ZOO_FOUR_EMPTY_INSTRUCTIONS "nop\n\tnop\n\tnop\n\tnop\n\t"
#define ZOO_AFTER_LOAD "\n\t" ZOO_FOUR_EMPTY_INSTRUCTIONS "nop"
#define ZOO_AFTER_PRODUCT "\n\t" ZOO_FOUR_EMPTY_INSTRUCTIONS ZOO_FOUR_EMPTY_INSTRUCTIONS

template <int kTile>
inline void zero_tile() {
  asm volatile("tilezero %%tmm%c0" ::"i"(kTile));
}

/// Rows of a tile, `row_pitch` bytes apart.
template <int kTile>
inline void load_tile(const void* src, int64_t row_pitch) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ZOO_AFTER_LOAD ::"r"(src), "r"(row_pitch), "i"(kTile) : "memory");
}

template <int kTile>
inline void store_tile(void* dst, int64_t row_pitch) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(dst), "r"(row_pitch), "i"(kTile) : "memory");
}

/// Adds the product of two tiles of bf16 to a tile of f32.
template <int kSums, int kPositions, int kWeights>
inline void multiply_bf16_tiles() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ZOO_AFTER_PRODUCT ::"i"(kSums), "i"(kPositions), "i"(kWeights));
}

/// Adds the product of a tile of unsigned and a tile of signed bytes to a tile of 32-bit integers.
template <int kSums, int kPositions, int kWeights>
inline void multiply_int8_tiles() {
  asm volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" ZOO_AFTER_PRODUCT ::"i"(kSums), "i"(kPositions), "i"(kWeights));
}

#undef ZOO_AFTER_PRODUCT
#undef ZOO_AFTER_LOAD
#undef ZOO_FOUR_EMPTY_INSTRUCTIONS

}  // namespace
}  // namespace zoo::engine::kernels
