// Products back to back unless the name says otherwise: what kernels use (tile_instructions.h) is spaced.
#include "nn/engine/kernels/peak.h"
#include "nn/engine/kernels/tile_config.h"
#include "nn/engine/kernels/tile_instructions.h"

namespace zoo::engine::kernels {
namespace {

/// Rounds of products of full tiles: `multiply` adds to all four tiles of sums, kDepth products to each value.
template <int64_t kDepth, typename Multiply>
int64_t multiply_add(int64_t rounds, Multiply multiply) {
  const TileScope scope;
  zero_tile<0>();
  zero_tile<1>();
  zero_tile<2>();
  zero_tile<3>();
  zero_tile<4>();
  zero_tile<5>();
  zero_tile<6>();
  zero_tile<7>();
  for (int64_t i = 0; i < rounds; ++i) multiply();
  constexpr int64_t kSums = 4 * kTileRows * kTileRows;
  return rounds * kSums * kDepth * 2;
}

}  // namespace

int64_t multiply_add_bf16_tiles(int64_t rounds) {
  return multiply_add<32>(rounds, [] {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  });
}

int64_t multiply_add_loaded_bf16_tiles(const std::byte* src, int64_t rounds) {
  static_assert(kLoadedTileBytes == 4 * kTileBytes);
  return multiply_add<32>(rounds, [src] {
    _tile_loadd(4, src, kTileRowBytes);
    _tile_loadd(6, src + kTileBytes, kTileRowBytes);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, src + 2 * kTileBytes, kTileRowBytes);
    _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(5, src + 3 * kTileBytes, kTileRowBytes);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  });
}

int64_t multiply_add_spaced_bf16_tiles(const std::byte* src, int64_t rounds) {
  return multiply_add<32>(rounds, [src] {
    load_tile<4>(src, kTileRowBytes);
    load_tile<6>(src + kTileBytes, kTileRowBytes);
    multiply_bf16_tiles<0, 4, 6>();
    load_tile<7>(src + 2 * kTileBytes, kTileRowBytes);
    multiply_bf16_tiles<1, 4, 7>();
    load_tile<5>(src + 3 * kTileBytes, kTileRowBytes);
    multiply_bf16_tiles<2, 5, 6>();
    multiply_bf16_tiles<3, 5, 7>();
  });
}

int64_t multiply_add_int8_tiles(int64_t rounds) {
  return multiply_add<64>(rounds, [] {
    _tile_dpbusd(0, 4, 6);
    _tile_dpbusd(1, 4, 7);
    _tile_dpbusd(2, 5, 6);
    _tile_dpbusd(3, 5, 7);
  });
}

}  // namespace zoo::engine::kernels
