// A convolution on tiles and the depthwise one that reads it: while vectors compute a row of the result the tiles
// already multiply the next rows.
#include "nn/engine/kernels/bf16/amx_tiles.h"
#include "nn/engine/kernels/bf16/bf16.h"
#include "nn/engine/kernels/bf16/expand_depthwise.h"

namespace zoo::engine::kernels {
namespace {

/// Two tiles of positions at a time.
struct TileProduct {
  static constexpr int64_t kPositions = kTileRows;

  /// An even number of tiles, unless there are many.
  static int64_t rows_at_once(int64_t tiles) { return tiles == 1 || tiles == 3 ? 2 : 1; }
  static int64_t steps(int64_t tiles) { return (tiles + 1) / 2; }

  template <int kColumns, typename Source>
  static void multiply(const TileConv& expand, int64_t /*positions*/, int64_t count, Source source,
                       const std::byte* weights, float* sums, WeightFetcher& fetcher) {
    int64_t tile = 0;
    for (; tile + 2 <= count; tile += 2) {
      kernels::multiply<2, kColumns>(expand, source(tile), source(tile + 1), weights, sums + tile * kTileSums, fetcher);
    }
    if (tile < count) {
      kernels::multiply<1, kColumns>(expand, source(tile), nullptr, weights, sums + tile * kTileSums, fetcher);
    }
  }
};

}  // namespace

int64_t expand_depthwise_scratch(const ExpandDepthwise& op) { return scratch_of<TileProduct>(op); }

void expand_depthwise(const ExpandDepthwise& op, const Bf16* src, Bf16* dst, float* scratch, int64_t begin,
                      int64_t end) {
  const TileScope scope(tile_shape(op.expand, RowTiling<TileProduct>(op.expand).positions));
  expand_and_filter<TileProduct>(op, src, dst, scratch, begin, end);
}

}  // namespace zoo::engine::kernels
