// The instruction sets that the kernels of bf16 networks are compiled for.
#pragma once

#include <string_view>

namespace zoo::engine::kernels {

/// Slowest first.
enum class Bf16Isa {
  kDot,  ///< AVX-512 with AVX512-BF16: dot products of pairs on vectors
  kAmx,  ///< the same, dense convolutions on AMX tiles
};

std::string_view to_string(Bf16Isa isa);

}  // namespace zoo::engine::kernels
