// Products back to back unless the name says otherwise: what kernels use (tile_instructions.h) is spaced.
#include "nn/engine/kernels/amx/tile_config.h"
#include "nn/engine/kernels/amx/tile_instructions.h"
#include "nn/engine/kernels/common/weight_fetcher.h"
#include "nn/engine/kernels/peak/peak.h"

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

/// Fetches as much per step as a WeightFetcher of as many steps.
struct LineByLine {
  const std::byte* next;
  int64_t lines;

  void step() {
    for (int64_t i = 0; i < lines; ++i, next += 64) __builtin_prefetch(next, 0, 2);
  }
};

template <typename Fetcher>
int64_t multiply_streamed(const std::byte* positions, const std::byte* weights, int64_t panels, Fetcher fetcher) {
  constexpr int64_t kStepBytes = 2 * kTileBytes;
  constexpr int64_t kDepth = kStreamedPanelBytes / kStepBytes;
  return multiply_add<kDepth * 2 * 32>(panels, [&] {
    const std::byte* src = positions;
    for (int64_t pair = 0; pair < 2; ++pair) {
      for (int64_t k = 0; k < kDepth; ++k, src += kStepBytes) {
        load_tile<6>(weights + k * kStepBytes, kTileRowBytes);
        load_tile<4>(src, kTileRowBytes);
        multiply_bf16_tiles<0, 4, 6>();
        load_tile<7>(weights + k * kStepBytes + kTileBytes, kTileRowBytes);
        multiply_bf16_tiles<1, 4, 7>();
        load_tile<5>(src + kTileBytes, kTileRowBytes);
        multiply_bf16_tiles<2, 5, 6>();
        multiply_bf16_tiles<3, 5, 7>();
        fetcher.step();
      }
    }
    weights += kStreamedPanelBytes;
  });
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

int64_t multiply_add_streamed_bf16_tiles(const std::byte* positions, const std::byte* weights, int64_t bytes,
                                         bool side_by_side) {
  const int64_t panels = bytes / kStreamedPanelBytes;
  const int64_t steps = bytes / kTileBytes;
  const std::byte* ahead = weights + WeightFetcher::kAhead;
  if (side_by_side) return multiply_streamed(positions, weights, panels, WeightFetcher(ahead, bytes, steps));
  return multiply_streamed(positions, weights, panels, LineByLine{ahead, kTileBytes / 64});
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
