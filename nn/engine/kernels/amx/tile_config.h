// The shapes of AMX's tile registers. For files compiled for AMX only; everything but constants has internal linkage.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <immintrin.h>

namespace zoo::engine::kernels {

inline constexpr int64_t kTileRows = 16;
inline constexpr int64_t kTileRowBytes = 64;
inline constexpr int64_t kTileBytes = kTileRows * kTileRowBytes;

namespace {

/// Memory of LDTILECFG, Intel SDM volume 1, 18.3.
struct alignas(64) TileConfig {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  std::array<uint8_t, 14> reserved{};
  std::array<uint16_t, 16> row_bytes{};
  std::array<uint8_t, 16> rows{};
};

/// Shape of the tiles of positions. Those of sums have as many rows; those of weights a row for every four bytes.
struct PositionTileShape {
  int64_t rows = kTileRows;
  int64_t row_bytes = kTileRowBytes;
};

/// While alive, the tiles of the calling thread: 0 to 3 hold sums, 4 and 5 positions, 6 and 7 weights.
class TileScope {
 public:
  explicit TileScope(const PositionTileShape& positions = {}) {
    TileConfig config;
    for (size_t tile = 0; tile < 8; ++tile) {
      const bool weights = tile >= 6;
      const bool sources = tile == 4 || tile == 5;
      config.rows[tile] = static_cast<uint8_t>(weights ? positions.row_bytes / 4 : positions.rows);
      config.row_bytes[tile] = static_cast<uint16_t>(sources ? positions.row_bytes : kTileRowBytes);
    }
    // GCC's intrinsic names only the first bytes of what it reads: the rest must not stay in registers.
    asm volatile("" ::"r"(&config) : "memory");
    _tile_loadconfig(&config);
  }
  ~TileScope() { _tile_release(); }
  TileScope(const TileScope&) = delete;
  TileScope& operator=(const TileScope&) = delete;
};

}  // namespace
}  // namespace zoo::engine::kernels
