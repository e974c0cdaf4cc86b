// A dense convolution and the depthwise one that reads it, as one: the values between them stay f32 and in the cache, a
// few rows of 32 channels at a time, and are never rounded. For files compiled for AVX-512 and AVX512-BF16 only;
// everything has internal linkage.
//
// `Product` is how rows are multiplied:
//   constexpr int64_t kPositions                            // of a tile at most, kMostTilePositions or fewer
//   static int64_t rows_at_once(int64_t tiles)              // of so many tiles each
//   static int64_t steps(int64_t tiles)                     // how often so many tiles ask the fetcher per step of
//   depth multiply<kColumns>(expand, positions, count, source, weights, sums, fetcher)
//       // sums of `count` tiles, whose sources are source(0), source(1), ..., kTileSums apart
#pragma once

#include <algorithm>

#include "nn/engine/kernels/bf16/bf16.h"
#include "nn/engine/kernels/bf16/bf16_rows.h"
#include "nn/engine/kernels/bf16/tile_sums.h"
#include "nn/engine/kernels/common/weight_fetcher.h"

namespace zoo::engine::kernels {
namespace {

/// How a row of the source is cut into tiles of equal size; the last one may overlap the one before.
template <typename Product>
struct RowTiling {
  explicit RowTiling(const TileConv& expand)
      : length(expand.run_length),
        tiles((length + Product::kPositions - 1) / Product::kPositions),
        positions((length + tiles - 1) / tiles),
        rows_at_once(Product::rows_at_once(tiles)) {}

  int64_t start(int64_t tile) const { return std::min(tile * positions, length - positions); }

  int64_t length;
  int64_t tiles;
  int64_t positions;     ///< of one tile
  int64_t rows_at_once;  ///< rows multiplied at a time
};

template <typename Product>
int64_t ring_slots(const ExpandDepthwise& op) {
  return op.depthwise.kernel + RowTiling<Product>(op.expand).rows_at_once - 1;
}

/// One or two blocks of channels (columns of tiles) of one image. Rows are multiplied ahead of the row of the result
/// that needs them: on AMX the tiles work while vectors compute that row.
template <typename Product, ActivationKind kKind, int kColumns>
class Blocks {
 public:
  Blocks(const ExpandDepthwise& op, const Bf16* src, int64_t image, int64_t channel, float* scratch,
         WeightFetcher& fetcher)
      : op_(op),
        expand_(op.expand),
        src_(src + image * op.expand.image_stride),
        image_(image),
        channel_(channel),
        weights_(reinterpret_cast<const std::byte*>(expand_.weights) +
                 channel / (2 * kChannelStep) * panel_bytes(expand_)),
        tiling_(expand_),
        sums_(scratch),
        ring_(op.depthwise, kColumns, ring_slots<Product>(op),
              scratch + tiling_.rows_at_once * tiling_.tiles * kTileSums),
        fetcher_(fetcher) {}

  void run(Bf16* dst) {
    const Bf16Depthwise& conv = op_.depthwise;
    const DepthwiseRowFunction compute = depthwise_row_function(conv, kColumns);
    DepthwiseRow row = depthwise_row(conv, kColumns, image_, channel_);
    for (int64_t y = 0; y < conv.dst_h; ++y) {
      const int64_t first = y * conv.stride - conv.pad_top;
      while (ready_ < std::min(conv.src_h, first + conv.kernel)) {
        if (multiplied_ == ready_) multiply_rows();
        finish_rows();
      }
      if (multiplied_ == ready_ && ready_ < conv.src_h) multiply_rows();
      for (int64_t ky = 0; ky < conv.kernel; ++ky) row.src[static_cast<size_t>(ky)] = ring_.padded(first + ky);
      row.dst = dst + y * conv.dst_w * row.dst_step;
      compute(row);
    }
  }

 private:
  const Bf16* tile_source(int64_t index) const {
    const int64_t run = index / tiling_.tiles;
    return src_ + (multiplied_ + run) * expand_.run_stride +
           tiling_.start(index - run * tiling_.tiles) * expand_.position_stride;
  }

  void multiply_rows() {
    const int64_t rows = std::min(tiling_.rows_at_once, expand_.runs - multiplied_);
    Product::template multiply<kColumns>(
        expand_, tiling_.positions, rows * tiling_.tiles, [this](int64_t index) { return tile_source(index); },
        weights_, sums_, fetcher_);
    multiplied_ += rows;
  }

  void finish_rows() {
    const float slope = expand_.activation.slope;
    const float* sums = sums_;
    __m512 bias[kColumns];
    for (int column = 0; column < kColumns; ++column) {
      bias[column] = _mm512_loadu_ps(expand_.bias + channel_ + column * kChannelStep);
    }
    for (; ready_ < multiplied_; ++ready_) {
      for (int64_t tile = 0; tile < tiling_.tiles; ++tile, sums += kTileSums) {
        float* to = ring_.values(ready_) + tiling_.start(tile) * kColumns * kChannelStep;
        for (int64_t p = 0; p < tiling_.positions; ++p) {
#pragma GCC unroll 2
          for (int64_t column = 0; column < kColumns; ++column) {
            const __m512 sum =
                _mm512_add_ps(_mm512_load_ps(sums + p * kSumStride + column * kChannelStep), bias[column]);
            _mm512_store_ps(to + (p * kColumns + column) * kChannelStep, activate<kKind>(sum, slope));
          }
        }
      }
    }
  }

  const ExpandDepthwise& op_;
  const TileConv& expand_;
  const Bf16* src_;
  int64_t image_;
  int64_t channel_;
  const std::byte* weights_;
  RowTiling<Product> tiling_;
  float* sums_;
  RowRing ring_;
  WeightFetcher& fetcher_;
  int64_t multiplied_ = 0;  ///< rows whose sums exist
  int64_t ready_ = 0;       ///< rows that are in the ring
};

/// Those behind the ones of items [begin, end), of the first image.
template <typename Product>
WeightFetcher next_weights(const ExpandDepthwise& op, int64_t begin, int64_t end) {
  const TileConv& expand = op.expand;
  const int64_t first = begin % channel_pairs(op.depthwise.channels);
  const int64_t count = std::min(end - begin, channel_pairs(op.depthwise.channels));
  const int64_t steps =
      Product::steps(expand.runs * RowTiling<Product>(expand).tiles) * expand.taps * expand.depth_blocks;
  return {reinterpret_cast<const std::byte*>(expand.weights) + first * panel_bytes(expand) + WeightFetcher::kAhead,
          count * panel_bytes(expand), count * steps};
}

template <typename Product>
int64_t scratch_of(const ExpandDepthwise& op) {
  const RowTiling<Product> tiling(op.expand);
  return tiling.rows_at_once * tiling.tiles * kTileSums + RowRing::floats(op.depthwise, 2, ring_slots<Product>(op));
}

template <typename Product>
void expand_and_filter(const ExpandDepthwise& op, const Bf16* src, Bf16* dst, float* scratch, int64_t begin,
                       int64_t end) {
  const Bf16Depthwise& conv = op.depthwise;
  with_activation(op.expand.activation.kind, [&](auto kind) {
    constexpr ActivationKind kKind = decltype(kind)::value;
    const int64_t pairs = channel_pairs(conv.channels);
    WeightFetcher fetcher = next_weights<Product>(op, begin, end);
    for (int64_t item = begin; item < end; ++item) {
      const int64_t channel = item % pairs * 2 * kChannelStep;
      const int64_t image = item / pairs;
      Bf16* to = dst + image * conv.dst_h * conv.dst_w * channel_pitch(conv.channels) + channel;
      if (conv.channels - channel > kChannelStep) {
        Blocks<Product, kKind, 2>(op, src, image, channel, scratch, fetcher).run(to);
      } else {
        Blocks<Product, kKind, 1>(op, src, image, channel, scratch, fetcher).run(to);
      }
    }
  });
}

}  // namespace
}  // namespace zoo::engine::kernels
