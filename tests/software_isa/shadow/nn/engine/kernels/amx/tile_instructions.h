// In the place of the engine's tile_instructions.h, whose instructions are written out: the same functions on software
// tiles (tests/software_isa/tiles.h).
#pragma once

#include <cstdint>

#include "tests/software_isa/tiles.h"

namespace zoo::engine::kernels {
namespace {

template <int kTile>
inline void zero_tile() {
  software_isa::zero_tile(kTile);
}

template <int kTile>
inline void load_tile(const void* src, int64_t row_pitch) {
  software_isa::load_tile(kTile, src, row_pitch);
}

template <int kTile>
inline void store_tile(void* dst, int64_t row_pitch) {
  software_isa::store_tile(kTile, dst, row_pitch);
}

template <int kSums, int kPositions, int kWeights>
inline void multiply_bf16_tiles() {
  software_isa::multiply_bf16_tiles(kSums, kPositions, kWeights);
}

template <int kSums, int kPositions, int kWeights>
inline void multiply_int8_tiles() {
  software_isa::multiply_int8_tiles(kSums, kPositions, kWeights);
}

}  // namespace
}  // namespace zoo::engine::kernels
