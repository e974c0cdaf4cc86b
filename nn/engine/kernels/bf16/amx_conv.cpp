// Convolutions and matrix products on AMX tiles.
#include <algorithm>
#include <array>

#include "nn/engine/kernels/bf16/amx_tiles.h"
#include "nn/engine/kernels/bf16/bf16.h"

namespace zoo::engine::kernels {
namespace {

/// Tiles of positions from which on the weights are re-read for every tile rather than the positions.
constexpr int64_t kManyTiles = 40;

bool splits_rows(const TileConv& conv) { return Tiling(conv).count > kManyTiles; }

/// Sums that wait to be finished.
struct Block {
  PositionTile first;
  PositionTile second;
  int64_t channel = 0;
  int rows = 0;
  int columns = 0;
};

/// All work of one kind of epilogue.
template <ActivationKind kKind, bool kResidual>
class Convolver {
 public:
  Convolver(const TileConv& conv, const Bf16* src, const Bf16* residual, Bf16* dst)
      : conv_(conv), tiling_(conv), end_(tiling_.count), src_(src), residual_(residual), dst_(dst) {}

  void run_columns(int64_t begin, int64_t end) {
    const int64_t pairs = (tiling_.count + 1) / 2;
    // Behind the last columns lie the weights of the next steps.
    WeightFetcher fetcher(weights(begin) + WeightFetcher::kAhead, (end - begin) * panel_bytes(conv_),
                          (end - begin) * pairs * conv_.taps * conv_.depth_blocks);
    for (int64_t column = begin; column < end; ++column) {
      for (int64_t tile = 0; tile < tiling_.count; tile += 2) block(tile, column, fetcher);
    }
    finish_pending();
  }

  void run_rows(int64_t begin, int64_t end) {
    WeightFetcher nothing;
    const int64_t columns = channel_pairs(conv_.out_channels);
    // Weights too large for the L1 are shared by some pairs of tiles, as many as have their positions there too.
    constexpr int64_t kBytes = 20 * 1024;
    constexpr int64_t kMostPairs = 8;
    const int64_t pair_bytes = 2 * kTileRows * conv_.depth_blocks * kCacheLine * std::min<int64_t>(conv_.taps, 3);
    // Those of a single step of depth even stay in the registers.
    const bool large = columns * panel_bytes(conv_) > kBytes || conv_.taps * conv_.depth_blocks == 1;
    const int64_t group = large ? std::clamp(kBytes / pair_bytes, int64_t{1}, kMostPairs) : 1;
    end_ = tiling_.cut_near(std::min(2 * end, tiling_.count));
    for (int64_t first = tiling_.cut_near(2 * begin); first < end_; first += 2 * group) {
      for (int64_t column = 0; column < columns; ++column) {
        for (int64_t tile = first; tile < std::min(first + 2 * group, end_); tile += 2) block(tile, column, nothing);
      }
    }
    finish_pending();
  }

 private:
  const std::byte* weights(int64_t column) const {
    return reinterpret_cast<const std::byte*>(conv_.weights) + column * panel_bytes(conv_);
  }
  void block(int64_t tile, int64_t column, WeightFetcher& fetcher) {
    const bool pair = tile + 1 < end_;
    if (is_single(conv_, column)) {
      pair ? block<2, 1>(tile, column, fetcher) : block<1, 1>(tile, column, fetcher);
    } else {
      pair ? block<2, 2>(tile, column, fetcher) : block<1, 2>(tile, column, fetcher);
    }
  }

  template <int kRows, int kColumns>
  void block(int64_t tile, int64_t column, WeightFetcher& fetcher) {
    const int64_t channel = column * 2 * kChannelStep;
    const bool stays = conv_.taps * conv_.depth_blocks == 1 && column == loaded_;
    loaded_ = column;
    Block next{tiling_.at(conv_, src_, tile), {}, channel, kRows, kColumns};
    if constexpr (kRows == 2) next.second = tiling_.at(conv_, src_, tile + 1);
    multiply<kRows, kColumns>(conv_, next.first.src, next.second.src, weights(column), sums_[current_].data(), fetcher,
                              stays);
    // A load cannot take what a tile store has just put into the store buffer: it waits until that is in the cache. So
    // the block before this one is finished now, while the tiles are busy.
    finish_pending();
    pending_ = next;
    current_ ^= 1U;
  }

  void finish_pending() {
    const float* sums = sums_[current_ ^ 1U].data();
    for (int row = 0; row < pending_.rows; ++row) {
      const float* tile = sums + row * kTileSums;
      const int64_t position = (row == 0 ? pending_.first : pending_.second).dst;
      if (pending_.columns == 2) {
        finish_tile<kKind, kResidual, 2>(conv_, pending_.channel, tile, residual_, dst_, position, tiling_.positions);
      } else {
        finish_tile<kKind, kResidual, 1>(conv_, pending_.channel, tile, residual_, dst_, position, tiling_.positions);
      }
    }
    pending_.rows = 0;
  }

  const TileConv& conv_;
  Tiling tiling_;
  int64_t end_;  ///< of the tiles to compute
  const Bf16* src_;
  const Bf16* residual_;
  Bf16* dst_;
  alignas(64) std::array<std::array<float, 2 * kTileSums>, 2> sums_;
  unsigned current_ = 0;  ///< buffer of the next block
  int64_t loaded_ = -1;   ///< columns whose last weights are in the registers
  Block pending_;         ///< in the other buffer
};

template <ActivationKind kKind>
void convolve(const TileConv& conv, const Bf16* src, const Bf16* residual, Bf16* dst, int64_t begin, int64_t end) {
  const TileScope scope(tile_shape(conv, Tiling(conv).positions));
  const auto run = [&](auto convolver) {
    if (splits_rows(conv)) {
      convolver.run_rows(begin, end);
    } else {
      convolver.run_columns(begin, end);
    }
  };
  if (residual == nullptr) {
    run(Convolver<kKind, false>(conv, src, residual, dst));
  } else {
    run(Convolver<kKind, true>(conv, src, residual, dst));
  }
}

}  // namespace

int64_t tile_conv_items(const TileConv& conv) {
  return splits_rows(conv) ? (Tiling(conv).count + 1) / 2 : channel_pairs(conv.out_channels);
}

void tile_conv(const TileConv& conv, const Bf16* src, const Bf16* residual, Bf16* dst, int64_t begin, int64_t end) {
  with_activation(conv.activation.kind,
                  [&](auto kind) { convolve<decltype(kind)::value>(conv, src, residual, dst, begin, end); });
}

}  // namespace zoo::engine::kernels
