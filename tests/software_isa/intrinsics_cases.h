// Every intrinsic of the software <immintrin.h> as a function of bytes, so that it can be compared with the compiler's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace zoo::software_isa {

using Operand = std::array<std::byte, 64>;

struct Inputs {
  alignas(64) Operand a;
  alignas(64) Operand b;
  alignas(64) Operand c;
  uint64_t mask = 0;
};

enum class Yields {
  kBits,
  kFloats,  ///< of which a NaN equals another
};

struct IntrinsicCase {
  std::string_view name;
  Yields yields = Yields::kBits;
  void (*run)(const Inputs& in, Operand& out) = nullptr;
};

/// By the software header.
std::vector<IntrinsicCase> software_cases();
/// The same list by the compiler's header. Only where the processor has AVX-512 F, BW, VL, DQ, VNNI and BF16.
std::vector<IntrinsicCase> compiler_cases();
/// Some of them by the compiler's intrinsics for AVX2, half by half.
std::vector<IntrinsicCase> avx2_cases();

struct TileProduct {
  int64_t rows = 16;       ///< of positions and sums
  int64_t row_bytes = 64;  ///< of positions; a row of weights for every four
  bool of_bf16 = false;
};

/// sums += positions * weights. Rows of positions follow each other; those of weights and sums have 64 bytes.
void multiply_software_tiles(const TileProduct& product, const std::byte* positions, const std::byte* weights,
                             std::byte* sums);
/// Only where the process may use AMX's tiles.
void multiply_processor_tiles(const TileProduct& product, const std::byte* positions, const std::byte* weights,
                              std::byte* sums);

}  // namespace zoo::software_isa
