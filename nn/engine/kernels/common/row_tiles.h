// How a row of a convolution's result is cut into tiles whose sums fit in registers.
#pragma once

#include <cstdint>
#include <vector>

namespace zoo::engine::kernels {

/// Neighbouring tiles of one width.
struct TileRun {
  int64_t x = 0;        ///< first position
  int64_t count = 0;    ///< tiles
  int32_t width = 1;    ///< positions per tile, one of kTileWidths
  bool border = false;  ///< whether a tile reads positions left or right of the source
};

/// What kernels are compiled for; the wider ones need 32 registers.
inline constexpr int64_t kTileWidths[] = {1, 2, 4, 7, 8, 12, 14};

/// Cuts a row of `dst_w` positions into tiles of up to `max_tile`, as few and as wide as possible.
std::vector<TileRun> plan_row(int64_t kernel, int64_t stride, int64_t pad_left, int64_t src_w, int64_t dst_w,
                              int64_t max_tile);

}  // namespace zoo::engine::kernels
