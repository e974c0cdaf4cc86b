// Loops that do nothing but keep one core at a limit: what kernels are measured against.
#pragma once

#include <cstddef>
#include <cstdint>

#include "nn/engine/kernels/common/isa.h"

namespace zoo::engine::kernels {

/// Functions of one instruction set.
struct PeakKernels {
  /// Independent fp32 multiply-adds on registers. Yields how many floating-point operations that were (a multiply-add
  /// counts two).
  int64_t (*multiply_add)(int64_t rounds) = nullptr;

  /// Reads `count` floats, a multiple of kReadBlock, one after the other, from an address aligned to a cache line.
  void (*read)(const float* src, int64_t count) = nullptr;
};

inline constexpr int64_t kReadBlock = 128;

/// Precondition: the processor has the set.
const PeakKernels& peak_kernels(Isa isa);

/// Independent dot products of pairs of bf16 on registers, counted like PeakKernels::multiply_add. Precondition:
/// Capabilities::avx512_bf16.
int64_t multiply_add_bf16_dots(int64_t rounds);
/// Independent multiply-adds of bf16 tiles, counted like PeakKernels::multiply_add. Precondition:
/// Capabilities::amx_bf16.
int64_t multiply_add_bf16_tiles(int64_t rounds);
/// As many products with one tile loaded for each, as convolutions load them, back to back: no slower where nobody else
/// uses the core, several times as slow where another thread of it multiplies tiles. `src` is kLoadedTileBytes long and
/// starts at a cache line.
int64_t multiply_add_loaded_bf16_tiles(const std::byte* src, int64_t rounds);
/// The same by the instructions that kernels use, with room between them (tile_instructions.h).
int64_t multiply_add_spaced_bf16_tiles(const std::byte* src, int64_t rounds);
inline constexpr int64_t kLoadedTileBytes = 4 * 1024;
/// The products of a 1x1 convolution of 64 positions, by the instructions that kernels use, whose weights come from
/// beyond the second-level cache: those WeightFetcher::kAhead behind are fetched meanwhile, line by line or as
/// WeightFetcher does. `weights` are whole panels of kStreamedPanelBytes, `positions` kStreamedPositionBytes, both at
/// cache lines.
int64_t multiply_add_streamed_bf16_tiles(const std::byte* positions, const std::byte* weights, int64_t bytes,
                                         bool side_by_side);
inline constexpr int64_t kStreamedPanelBytes = 16 * 1024;
inline constexpr int64_t kStreamedPositionBytes = 32 * 1024;
/// The same as multiply_add_bf16_tiles of int8 tiles. Precondition: Capabilities::amx_int8.
int64_t multiply_add_int8_tiles(int64_t rounds);

}  // namespace zoo::engine::kernels
