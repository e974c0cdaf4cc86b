#include <array>
#include <cstdint>
#include <immintrin.h>

#include "nn/engine/kernels/peak.h"

namespace zoo::engine::kernels {
namespace {

/// What LDTILECFG reads, Intel SDM volume 1, 18.2: eight full tiles of 16 rows of 64 bytes.
struct alignas(64) TileConfig {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  std::array<uint8_t, 14> reserved = {};
  std::array<uint16_t, 16> row_bytes = {64, 64, 64, 64, 64, 64, 64, 64};
  std::array<uint8_t, 16> rows = {16, 16, 16, 16, 16, 16, 16, 16};
};

constexpr int64_t kTiles = 4;           // of sums
constexpr int64_t kTileSums = 16 * 16;  // rows, columns

void zero_tiles() {
  // Static: GCC 12 believes that the instruction reads eight bytes only and leaves out the others of a local variable.
  static constexpr TileConfig kConfig;
  _tile_loadconfig(&kConfig);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_zero(4);
  _tile_zero(5);
  _tile_zero(6);
  _tile_zero(7);
}

}  // namespace

int64_t multiply_add_bf16_tiles(int64_t rounds) {
  zero_tiles();
  for (int64_t i = 0; i < rounds; ++i) {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_release();
  constexpr int64_t kRowValues = 32;
  return rounds * kTiles * kTileSums * kRowValues * 2;
}

int64_t multiply_add_int8_tiles(int64_t rounds) {
  zero_tiles();
  for (int64_t i = 0; i < rounds; ++i) {
    _tile_dpbusd(0, 4, 6);
    _tile_dpbusd(1, 4, 7);
    _tile_dpbusd(2, 5, 6);
    _tile_dpbusd(3, 5, 7);
  }
  _tile_release();
  constexpr int64_t kRowValues = 64;
  return rounds * kTiles * kTileSums * kRowValues * 2;
}

}  // namespace zoo::engine::kernels
