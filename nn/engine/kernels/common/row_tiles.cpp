#include "nn/engine/kernels/common/row_tiles.h"

#include <algorithm>
#include <limits>

namespace zoo::engine::kernels {
namespace {

/// What a tile costs besides its positions, in positions: weights are loaded once per tile, and neighbours read the
/// same source.
constexpr int64_t kTileOverhead = 2;

/// The widths of a row's tiles, widest first.
std::vector<int64_t> tile_widths(int64_t positions, int64_t max_tile) {
  const auto count = static_cast<size_t>(positions);
  std::vector<int64_t> cost(count + 1, std::numeric_limits<int64_t>::max());
  std::vector<int64_t> last(count + 1, 0);
  cost[0] = 0;
  for (int64_t n = 1; n <= positions; ++n) {
    for (const int64_t width : kTileWidths) {
      if (width > std::min(n, max_tile)) break;
      const int64_t with = cost[static_cast<size_t>(n - width)] + width + kTileOverhead;
      if (with >= cost[static_cast<size_t>(n)]) continue;
      cost[static_cast<size_t>(n)] = with;
      last[static_cast<size_t>(n)] = width;
    }
  }
  std::vector<int64_t> widths;
  for (int64_t n = positions; n > 0; n -= widths.back()) widths.push_back(last[static_cast<size_t>(n)]);
  std::sort(widths.rbegin(), widths.rend());
  return widths;
}

}  // namespace

std::vector<TileRun> plan_row(int64_t kernel, int64_t stride, int64_t pad_left, int64_t src_w, int64_t dst_w,
                              int64_t max_tile) {
  std::vector<TileRun> runs;
  int64_t x = 0;
  for (const int64_t width : tile_widths(dst_w, max_tile)) {
    const int64_t first = x * stride - pad_left;
    const bool border = first < 0 || first + (width - 1) * stride + kernel > src_w;
    if (!runs.empty() && runs.back().width == width && runs.back().border == border) {
      ++runs.back().count;
    } else {
      runs.push_back({x, 1, static_cast<int32_t>(width), border});
    }
    x += width;
  }
  return runs;
}

}  // namespace zoo::engine::kernels
