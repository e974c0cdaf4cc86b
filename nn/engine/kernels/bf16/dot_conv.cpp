// Dense convolutions, alone and with the depthwise one behind, on AVX512-BF16's dot products: where there are no tiles.
//
// A tile of 14 positions x 2 vectors of output channels keeps its 28 sums in registers. VDPBF16PS adds products of
// pairs of inputs to 16 sums; per pair of inputs the tile takes 28 of them, 2 loads of weights and 14 broadcasts of a
// pair of one position. That is 31 of the 32 registers; 28 independent sums hide a latency of 14 cycles at two products
// per cycle; and 16 loads fit beside 28 products wherever loads are as fast as products. A tile of 6 positions x 4
// vectors would load less, 10 for 24, but its four vectors are two panels of packed weights, whereas so packing stays
// AMX's (a column of tiles holds the pairs of 16 outputs, each row of it is a vector here), and 14 divides the maps of
// 224 x 224 networks.
//
// 128 bytes of weights feed 28 products, the work of 14 cycles or more: the L2 delivers that, but positions come from
// there, too. So the steps of depth (32 inputs of one tap, 2 KB of weights) are done in blocks whose weights, 16 KB,
// stay in an L1 of 32 KB while some tiles of positions are multiplied with them; their sums wait in f32. Every sum adds
// up in the order of the inputs, however the work is cut, and is rounded to bf16 once. The constants follow from the
// sizes of caches and registers; none has been measured yet.
#include <algorithm>
#include <array>
#include <cstring>

#include "nn/engine/kernels/bf16/bf16.h"
#include "nn/engine/kernels/bf16/expand_depthwise.h"
#include "nn/engine/kernels/bf16/tile_sums.h"
#include "nn/engine/kernels/common/weight_fetcher.h"

namespace zoo::engine::kernels {
namespace {

constexpr int64_t kMostPositions = 14;
static_assert(kMostPositions <= kMostTilePositions);

/// A pair of inputs of one position for all lanes.
inline __m512bh broadcast_pair(const std::byte* p) {
  int32_t pair;
  std::memcpy(&pair, p, sizeof(pair));
  return reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair));
}

/// The products of a tile: steps [first, last) of depth, added to `sums` unless they are the first ones.
struct TileProducts {
  const Bf16* src;           ///< of the first position
  const std::byte* weights;  ///< of the pair of columns
  float* sums;
  int64_t first;
  int64_t last;
};

template <int kRows, int kColumns>
void multiply(const TileConv& conv, const TileProducts& tile, WeightFetcher& fetcher) {
  // Three positions share an address that moves on; with one each there would be more than registers.
  constexpr int kShared = 3;
  constexpr int kAddresses = (kRows + kShared - 1) / kShared;
  constexpr int64_t kVectorBytes = 64;
  constexpr int64_t kPairBytes = 2 * sizeof(Bf16);
  __m512 sums[kRows][kColumns];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
    for (int c = 0; c < kColumns; ++c) {
      sums[r][c] =
          tile.first == 0 ? _mm512_setzero_ps() : _mm512_load_ps(tile.sums + r * kSumStride + c * kChannelStep);
    }
  }
  const int64_t stride = conv.position_stride * static_cast<int64_t>(sizeof(Bf16));
  const int64_t step_bytes = conv.depth / 2 * kVectorBytes;
  int64_t tap = tile.first / conv.depth_blocks;
  int64_t block = tile.first % conv.depth_blocks;
  const std::byte* weights = tile.weights + tile.first * kColumns * kWeightTileBytes;
  for (int64_t step = tile.first; step < tile.last; ++step) {
    const std::byte* positions[kAddresses];
    positions[0] = reinterpret_cast<const std::byte*>(tile.src + conv.tap_offsets[tap] + block * kTileDepth);
#pragma GCC unroll 8
    for (int a = 1; a < kAddresses; ++a) positions[a] = positions[a - 1] + kShared * stride;
    const std::byte* const end = weights + step_bytes;
    for (const std::byte* at = weights; at < end; at += 2 * kVectorBytes) {
#pragma GCC unroll 2
      for (int64_t pair = 0; pair < 2; ++pair) {
        __m512bh factors[kColumns];
#pragma GCC unroll 2
        for (int c = 0; c < kColumns; ++c) {
          factors[c] = reinterpret_cast<__m512bh>(_mm512_loadu_si512(at + c * kWeightTileBytes + pair * kVectorBytes));
        }
#pragma GCC unroll 16
        for (int r = 0; r < kRows; ++r) {
          const __m512bh value = broadcast_pair(positions[r / kShared] + r % kShared * stride + pair * kPairBytes);
#pragma GCC unroll 2
          for (int c = 0; c < kColumns; ++c) sums[r][c] = _mm512_dpbf16_ps(sums[r][c], value, factors[c]);
        }
      }
#pragma GCC unroll 8
      for (int a = 0; a < kAddresses; ++a) {
        positions[a] += 2 * kPairBytes;
        asm("" : "+r"(positions[a]));
      }
    }
    weights += kColumns * kWeightTileBytes;
    if (++block == conv.depth_blocks) {
      block = 0;
      ++tap;
    }
    fetcher.step();
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
    for (int c = 0; c < kColumns; ++c) _mm512_store_ps(tile.sums + r * kSumStride + c * kChannelStep, sums[r][c]);
  }
}

/// multiply() of so many positions.
template <int kColumns>
void multiply_tile(const TileConv& conv, int64_t positions, const TileProducts& tile, WeightFetcher& fetcher) {
  using Multiply = void (*)(const TileConv&, const TileProducts&, WeightFetcher&);
  static constexpr Multiply kOfPositions[kMostPositions] = {
      multiply<1, kColumns>,  multiply<2, kColumns>,  multiply<3, kColumns>,  multiply<4, kColumns>,
      multiply<5, kColumns>,  multiply<6, kColumns>,  multiply<7, kColumns>,  multiply<8, kColumns>,
      multiply<9, kColumns>,  multiply<10, kColumns>, multiply<11, kColumns>, multiply<12, kColumns>,
      multiply<13, kColumns>, multiply<14, kColumns>};
  kOfPositions[positions - 1](conv, tile, fetcher);
}

int64_t step_count(const TileConv& conv) { return conv.taps * conv.depth_blocks; }

/// Runs cut into as few tiles as possible of sizes as equal as possible.
struct DotTiling {
  explicit DotTiling(const TileConv& conv)
      : per_run((conv.run_length + kMostPositions - 1) / kMostPositions), count(per_run * conv.runs * conv.images) {}

  int64_t per_run;
  int64_t count;
};

/// From so many tiles on, weights are read again for some of them at a time, rather than the whole map for every pair
/// of columns: then the map is what leaves the L2.
constexpr int64_t kManyTiles = 40;

bool splits_tiles(const TileConv& conv) { return DotTiling(conv).count > kManyTiles; }

/// All work of one kind of epilogue.
template <ActivationKind kKind, bool kResidual>
class DotConvolver {
 public:
  DotConvolver(const TileConv& conv, const Bf16* src, const Bf16* residual, Bf16* dst)
      : conv_(conv), tiling_(conv), src_(src), residual_(residual), dst_(dst) {
    const int64_t blocks = (step_count(conv) + kMostSteps - 1) / kMostSteps;
    block_ = (step_count(conv) + blocks - 1) / blocks;
    // Rows of the kernel share most of what they read.
    const int64_t tile_bytes = kMostPositions * conv.depth_blocks * kTileDepth * static_cast<int64_t>(sizeof(Bf16)) *
                               std::min<int64_t>(conv.taps, 3);
    group_ = std::clamp(kPositionBytes / tile_bytes, kLeastTiles, kMostTiles);
  }

  void run_columns(int64_t begin, int64_t end) {
    // Behind the last columns lie the weights of the next steps.
    WeightFetcher fetcher(weights(begin) + WeightFetcher::kAhead, (end - begin) * panel_bytes(conv_),
                          (end - begin) * tiling_.count * step_count(conv_));
    for (int64_t column = begin; column < end; ++column) {
      for (int64_t first = 0; first < tiling_.count; first += group_) {
        compute(first, std::min(first + group_, tiling_.count), column, fetcher);
      }
    }
  }

  void run_tiles(int64_t begin, int64_t end) {
    WeightFetcher nothing;
    const int64_t columns = channel_pairs(conv_.out_channels);
    for (int64_t first = begin; first < end; first += group_) {
      for (int64_t column = 0; column < columns; ++column) {
        compute(first, std::min(first + group_, end), column, nothing);
      }
    }
  }

 private:
  static constexpr int64_t kMostSteps = 8;             ///< 16 KB of weights
  static constexpr int64_t kPositionBytes = 16 << 10;  ///< the other half of the L1
  static constexpr int64_t kLeastTiles = 4;            ///< share weights, even if their positions exceed that
  static constexpr int64_t kMostTiles = 8;

  const std::byte* weights(int64_t column) const {
    return reinterpret_cast<const std::byte*>(conv_.weights) + column * panel_bytes(conv_);
  }

  void compute(int64_t begin, int64_t end, int64_t column, WeightFetcher& fetcher) {
    if (is_single(conv_, column)) {
      compute<1>(begin, end, column, fetcher);
    } else {
      compute<2>(begin, end, column, fetcher);
    }
  }

  /// Tiles [begin, end) of a pair of columns.
  template <int kColumns>
  void compute(int64_t begin, int64_t end, int64_t column, WeightFetcher& fetcher) {
    const int64_t steps = step_count(conv_);
    for (int64_t first = 0; first < steps; first += block_) {
      const int64_t last = std::min(first + block_, steps);
      for (int64_t index = begin; index < end; ++index) {
        const int64_t run = index / tiling_.per_run;
        const int64_t in_run = index % tiling_.per_run;
        const int64_t start = in_run * conv_.run_length / tiling_.per_run;
        const int64_t positions = (in_run + 1) * conv_.run_length / tiling_.per_run - start;
        const PositionTile tile = tile_at(conv_, src_, run, start);
        // Sums that do not wait share their memory.
        float* const sums = sums_[static_cast<size_t>(steps > block_ ? index - begin : 0)].data();
        multiply_tile<kColumns>(conv_, positions, {tile.src, weights(column), sums, first, last}, fetcher);
        if (last < steps) continue;
        finish_tile<kKind, kResidual, kColumns>(conv_, column * 2 * kChannelStep, sums, residual_, dst_, tile.dst,
                                                positions);
      }
    }
  }

  const TileConv& conv_;
  DotTiling tiling_;
  const Bf16* src_;
  const Bf16* residual_;
  Bf16* dst_;
  int64_t block_;  ///< steps of depth at a time
  int64_t group_;  ///< tiles at a time
  alignas(64) std::array<std::array<float, kTileSums>, kMostTiles> sums_;
};

template <ActivationKind kKind>
void convolve(const TileConv& conv, const Bf16* src, const Bf16* residual, Bf16* dst, int64_t begin, int64_t end) {
  const auto run = [&](auto convolver) {
    if (splits_tiles(conv)) {
      convolver.run_tiles(begin, end);
    } else {
      convolver.run_columns(begin, end);
    }
  };
  if (residual == nullptr) {
    run(DotConvolver<kKind, false>(conv, src, residual, dst));
  } else {
    run(DotConvolver<kKind, true>(conv, src, residual, dst));
  }
}

/// Of expand_depthwise.h: tile by tile.
struct DotProduct {
  static constexpr int64_t kPositions = kMostPositions;

  static int64_t rows_at_once(int64_t /*tiles*/) { return 1; }
  static int64_t steps(int64_t tiles) { return tiles; }

  template <int kColumns, typename Source>
  static void multiply(const TileConv& expand, int64_t positions, int64_t count, Source source,
                       const std::byte* weights, float* sums, WeightFetcher& fetcher) {
    for (int64_t tile = 0; tile < count; ++tile) {
      multiply_tile<kColumns>(expand, positions,
                              {source(tile), weights, sums + tile * kTileSums, 0, step_count(expand)}, fetcher);
    }
  }
};

}  // namespace

int64_t dot_conv_items(const TileConv& conv) {
  return splits_tiles(conv) ? DotTiling(conv).count : channel_pairs(conv.out_channels);
}

void dot_conv(const TileConv& conv, const Bf16* src, const Bf16* residual, Bf16* dst, int64_t begin, int64_t end) {
  with_activation(conv.activation.kind,
                  [&](auto kind) { convolve<decltype(kind)::value>(conv, src, residual, dst, begin, end); });
}

int64_t dot_expand_depthwise_scratch(const ExpandDepthwise& op) { return scratch_of<DotProduct>(op); }

void dot_expand_depthwise(const ExpandDepthwise& op, const Bf16* src, Bf16* dst, float* scratch, int64_t begin,
                          int64_t end) {
  expand_and_filter<DotProduct>(op, src, dst, scratch, begin, end);
}

}  // namespace zoo::engine::kernels
