// Of the software <immintrin.h>: AMX's tile registers, one set per thread.
#pragma once

#include <cstddef>

namespace zoo::software_isa {

/// Takes the configuration of LDTILECFG (64 bytes) and clears all tiles.
void configure_tiles(const void* config);
void release_tiles();
void zero_tile(int tile);
/// Rows `pitch` bytes apart.
void load_tile(int tile, const void* src, ptrdiff_t pitch);
void store_tile(int tile, void* dst, ptrdiff_t pitch);
/// dst += a * b of bf16, in f32.
void multiply_bf16_tiles(int dst, int a, int b);
/// dst += a * b of unsigned and signed bytes, in 32 bits.
void multiply_int8_tiles(int dst, int a, int b);

}  // namespace zoo::software_isa

// NOLINTBEGIN: the names are Intel's
#define _tile_loadconfig(config) zoo::software_isa::configure_tiles(config)
#define _tile_release() zoo::software_isa::release_tiles()
#define _tile_zero(tile) zoo::software_isa::zero_tile(tile)
#define _tile_loadd(tile, src, pitch) zoo::software_isa::load_tile(tile, src, pitch)
#define _tile_stored(tile, dst, pitch) zoo::software_isa::store_tile(tile, dst, pitch)
#define _tile_dpbf16ps(dst, a, b) zoo::software_isa::multiply_bf16_tiles(dst, a, b)
#define _tile_dpbusd(dst, a, b) zoo::software_isa::multiply_int8_tiles(dst, a, b)
// NOLINTEND
