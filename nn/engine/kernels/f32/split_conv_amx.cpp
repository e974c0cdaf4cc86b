// Tile registers: 0-3 sums (2 tiles of positions x 2 tiles of output channels), 4-5 positions, 6-7 weights.
#include <algorithm>
#include <array>

#include "nn/engine/kernels/amx/tile_config.h"
#include "nn/engine/kernels/amx/tile_instructions.h"
#include "nn/engine/kernels/bf16/bf16_vec.h"
#include "nn/engine/kernels/common/weight_fetcher.h"
#include "nn/engine/kernels/f32/pointwise.h"
#include "nn/engine/kernels/f32/split_conv.h"

namespace zoo::engine::kernels {
namespace {

constexpr int64_t kLineBytes = 64;
/// A tile's values of bf16 and its sums.
constexpr int64_t kTileValues = kTileRows * kTileDepth;
constexpr int64_t kTileSums = kTileRows * kChannelStep;

enum PartIndex : int64_t { kHigh, kMiddle, kLow };

/// What a chunk is computed from, in parts: [part, block of kTileDepth inputs, position, kTileDepth].
struct Split {
  const Bf16* parts;
  int64_t depth_blocks;
  SplitSource source;

  const Bf16* at(int64_t part, int64_t block, int64_t position) const {
    return parts + ((part * depth_blocks + block) * source.positions() + position) * kTileDepth;
  }
};

/// The bits of a value's high part, rounded to nearest: the upper half of the result is the bf16.
inline __m512i rounded(__m512 x) { return _mm512_add_epi32(_mm512_castps_si512(x), _mm512_set1_epi32(0x8000)); }

inline __m512 high_part(__m512i rounded) {
  return _mm512_castsi512_ps(_mm512_and_si512(rounded, _mm512_set1_epi32(static_cast<int>(0xFFFF0000U))));
}

/// How the upper halves of 2 x 16 values follow each other: the first 16 before the second, or by turns.
enum class Order { kJoined, kPaired };

__m512i lanes_of(Order order) {
  alignas(kLineBytes) std::array<uint16_t, kTileDepth> lanes;
  for (size_t i = 0; i < lanes.size(); ++i) {
    lanes[i] = static_cast<uint16_t>(order == Order::kJoined ? 2 * i + 1 : i / 2 * 2 + 1 + i % 2 * kTileDepth);
  }
  return _mm512_load_si512(lanes.data());
}

/// Stores the parts of 2 x 16 values, a line each, `part_values` apart.
inline void store_parts(__m512 first, __m512 second, __m512i lanes, Bf16* to, int64_t part_values) {
  const auto store = [&](PartIndex part, __m512i a, __m512i b) {
    _mm512_store_si512(to + part * part_values, _mm512_permutex2var_epi16(a, lanes, b));
  };
  const __m512i first_high = rounded(first);
  const __m512i second_high = rounded(second);
  store(kHigh, first_high, second_high);
  first = _mm512_sub_ps(first, high_part(first_high));
  second = _mm512_sub_ps(second, high_part(second_high));
  const __m512i first_middle = rounded(first);
  const __m512i second_middle = rounded(second);
  store(kMiddle, first_middle, second_middle);
  // What is left has no more than eight significant bits.
  store(kLow, _mm512_castps_si512(_mm512_sub_ps(first, high_part(first_middle))),
        _mm512_castps_si512(_mm512_sub_ps(second, high_part(second_middle))));
}

/// Values of the packed weights of a pair of columns of tiles, or of a last single one.
int64_t panel_values(const SplitConv& op, int64_t column) {
  const int64_t columns = block_count(op.out_channels, kChannelStep) - column > 1 ? 2 : 1;
  return columns * kSplitParts * op.taps() * block_count(op.in_channels, kTileDepth) * kTileValues;
}

int64_t panel_bytes(const SplitConv& op, int64_t column) {
  return panel_values(op, column) * static_cast<int64_t>(sizeof(Bf16));
}

/// Splits so many positions of two blocks of channels; `second` is null if there is only one.
struct Splitter {
  __m512i lanes = lanes_of(Order::kJoined);
  int64_t part_values = 0;
  WeightFetcher fetcher;
  Bf16* parts = nullptr;  ///< of the next position

  void split(const float* first, const float* second, int64_t positions) {
    for (int64_t p = 0; p < positions * kChannelStep; p += kChannelStep, parts += kTileDepth) {
      fetcher.step();
      store_parts(_mm512_loadu_ps(first + p), second == nullptr ? _mm512_setzero_ps() : _mm512_loadu_ps(second + p),
                  lanes, parts, part_values);
    }
  }
  void pad(int64_t positions) {
    for (int64_t p = 0; p < positions; ++p, parts += kTileDepth) {
      store_parts(_mm512_setzero_ps(), _mm512_setzero_ps(), lanes, parts, part_values);
    }
  }
};

/// What the units of a chunk from `first_unit` on are computed from. `src` is an image. Meanwhile the first weights are
/// fetched.
void split(const SplitConv& op, const SplitSource& source, const float* src, int64_t first_unit, Bf16* parts) {
  const int64_t plane = op.src_h * op.src_w * kChannelStep;
  const int64_t blocks = block_count(op.in_channels, kChannelStep);
  const int64_t steps = block_count(op.in_channels, kTileDepth) * source.positions();
  Splitter splitter = {
      .part_values = steps * kTileDepth, .fetcher = {op.weights, panel_bytes(op, 0), steps}, .parts = parts};
  for (int64_t b = 0; b < blocks; b += 2, src += 2 * plane) {
    const float* second = b + 1 < blocks ? src + plane : nullptr;
    const auto split = [&](int64_t position, int64_t count) {
      const int64_t at = position * kChannelStep;
      splitter.split(src + at, second == nullptr ? nullptr : second + at, count);
    };
    if (op.is_pointwise()) {
      split(first_unit, source.columns);
      continue;
    }
    const int64_t left = std::min(op.pad_left, source.columns);
    const int64_t inside = std::clamp<int64_t>(source.columns - left, 0, op.src_w);
    for (int64_t r = 0; r < source.rows; ++r) {
      const int64_t y = first_unit * op.stride - op.pad_top + r;
      if (y < 0 || y >= op.src_h) {
        splitter.pad(source.columns);
        continue;
      }
      splitter.pad(left);
      split(y * op.src_w, inside);
      splitter.pad(source.columns - left - inside);
    }
  }
}

/// How the results of a chunk are cut into tiles of one size: runs of neighbours, of which each has its own tiles; the
/// last of a run may overlap the one before.
struct Tiling {
  Tiling(const SplitConv& op, const SplitSource& of, int64_t units)
      : run_length(op.is_pointwise() ? units : op.dst_w),
        per_run(block_count(run_length, kTileRows)),
        positions(block_count(run_length, per_run)),
        count(per_run * (op.is_pointwise() ? 1 : units)),
        run_step(op.stride * of.columns),
        step(op.stride) {}

  int64_t in_run(int64_t tile) const { return std::min(tile % per_run * positions, run_length - positions); }
  /// First position of a tile in the chunk's result, and in what that is computed from.
  int64_t dst(int64_t tile) const { return tile / per_run * run_length + in_run(tile); }
  int64_t src(int64_t tile) const { return tile / per_run * run_step + in_run(tile) * step; }

  int64_t run_length;
  int64_t per_run;
  int64_t positions;  ///< of a tile
  int64_t count;
  int64_t run_step;
  int64_t step;  ///< between neighbours in the source
};

/// Loads tiles 4 and 5.
template <int kRows>
inline void load_positions(const std::array<const Bf16*, 2>& tiles, int64_t offset, int64_t row_bytes) {
  load_tile<4>(tiles[0] + offset, row_bytes);
  if constexpr (kRows == 2) load_tile<5>(tiles[1] + offset, row_bytes);
}

/// Loads tiles 6 and 7.
template <int kColumns>
inline void load_weights(const Bf16* tile) {
  load_tile<6>(tile, kLineBytes);
  if constexpr (kColumns == 2) load_tile<7>(tile + kTileValues, kLineBytes);
}

template <int kRows, int kColumns>
inline void multiply_loaded() {
  multiply_bf16_tiles<0, 4, 6>();
  if constexpr (kColumns == 2) multiply_bf16_tiles<1, 4, 7>();
  if constexpr (kRows == 2) multiply_bf16_tiles<2, 5, 6>();
  if constexpr (kRows == 2 && kColumns == 2) multiply_bf16_tiles<3, 5, 7>();
}

/// Sums of kRows x kColumns tiles: [row, column, position, kChannelStep]. `first` are the tiles' first positions in
/// what they are computed from.
template <int kRows, int kColumns>
void multiply(const SplitConv& op, const Split& split, const std::array<int64_t, 2>& first, const Bf16* weights,
              float* sums, WeightFetcher& fetcher) {
  zero_tile<0>();
  if constexpr (kColumns == 2) zero_tile<1>();
  if constexpr (kRows == 2) zero_tile<2>();
  if constexpr (kRows == 2 && kColumns == 2) zero_tile<3>();
  const std::array<const Bf16*, 2> tiles = {split.at(0, 0, first[0]), split.at(0, 0, first[1])};
  const int64_t row_bytes = op.stride * kLineBytes;
  const int64_t src_part = split.at(1, 0, 0) - split.at(0, 0, 0);
  const int64_t weights_part = op.taps() * split.depth_blocks * kColumns * kTileValues;
  for (int64_t tap = 0; tap < op.taps(); ++tap) {
    int64_t at = (tap / op.kernel * split.source.columns + tap % op.kernel) * kTileDepth;
    for (int64_t k = 0; k < split.depth_blocks; ++k) {
      // In an order in which every product shares a factor with the one before.
      load_positions<kRows>(tiles, at + kLow * src_part, row_bytes);
      load_weights<kColumns>(weights + kHigh * weights_part);
      multiply_loaded<kRows, kColumns>();
      load_positions<kRows>(tiles, at + kHigh * src_part, row_bytes);
      multiply_loaded<kRows, kColumns>();
      load_weights<kColumns>(weights + kLow * weights_part);
      multiply_loaded<kRows, kColumns>();
      load_weights<kColumns>(weights + kMiddle * weights_part);
      multiply_loaded<kRows, kColumns>();
      load_positions<kRows>(tiles, at + kMiddle * src_part, row_bytes);
      multiply_loaded<kRows, kColumns>();
      load_weights<kColumns>(weights + kHigh * weights_part);
      multiply_loaded<kRows, kColumns>();
      weights += kColumns * kTileValues;
      at += split.source.positions() * kTileDepth;
      fetcher.step();
    }
  }
  store_tile<0>(sums, kLineBytes);
  if constexpr (kColumns == 2) store_tile<1>(sums + kTileSums, kLineBytes);
  if constexpr (kRows == 2) store_tile<2>(sums + 2 * kTileSums, kLineBytes);
  if constexpr (kRows == 2 && kColumns == 2) store_tile<3>(sums + 3 * kTileSums, kLineBytes);
}

/// Sums that wait to be finished.
struct Block {
  std::array<int64_t, 2> first{};  ///< positions of the chunk's result
  int64_t channel = 0;
  int rows = 0;
  int columns = 0;
};

template <ActivationKind kKind>
class Chunk {
 public:
  /// `residual` and `dst` are the chunk's first position in the first block of channels.
  Chunk(const SplitConv& op, const Split& split, const Tiling& tiling, const float* residual, float* dst)
      : op_(op), split_(split), tiling_(tiling), residual_(residual), dst_(dst) {}

  void run() {
    const int64_t columns = block_count(op_.out_channels, kChannelStep);
    const Bf16* weights = op_.weights;
    for (int64_t column = 0; column < columns; column += 2) {
      const bool is_pair = column + 1 < columns;
      const int64_t values = panel_values(op_, column);
      // Behind the last columns lie the weights of the next step.
      WeightFetcher fetcher(weights + values, panel_bytes(op_, column),
                            op_.taps() * split_.depth_blocks * block_count(tiling_.count, 2));
      for (int64_t tile = 0; tile < tiling_.count; tile += 2) {
        if (tile + 1 < tiling_.count) {
          is_pair ? block<2, 2>(tile, column, weights, fetcher) : block<2, 1>(tile, column, weights, fetcher);
        } else {
          is_pair ? block<1, 2>(tile, column, weights, fetcher) : block<1, 1>(tile, column, weights, fetcher);
        }
      }
      weights += values;
    }
    finish_pending();
  }

 private:
  template <int kRows, int kColumns>
  void block(int64_t tile, int64_t column, const Bf16* weights, WeightFetcher& fetcher) {
    const int64_t other = tile + kRows - 1;
    multiply<kRows, kColumns>(op_, split_, {tiling_.src(tile), tiling_.src(other)}, weights, sums_[current_].data(),
                              fetcher);
    // A load cannot take what a tile store has just put into the store buffer: it waits until that is in the cache. So
    // the block before this one is finished now, while the tiles are busy.
    finish_pending();
    pending_ = {{tiling_.dst(tile), tiling_.dst(other)}, column * kChannelStep, kRows, kColumns};
    current_ ^= 1U;
  }

  void finish_pending() {
    const float* sums = sums_[current_ ^ 1U].data();
    for (int row = 0; row < pending_.rows; ++row) {
      for (int column = 0; column < pending_.columns; ++column) {
        finish_tile(pending_.first[static_cast<size_t>(row)], pending_.channel + column * kChannelStep,
                    sums + (2 * row + column) * kTileSums);
      }
    }
    pending_.rows = 0;
  }

  void finish_tile(int64_t first, int64_t channel, const float* sums) {
    const int64_t at = (channel / kChannelStep * op_.dst_h * op_.dst_w + first) * kChannelStep;
    const int64_t left = op_.out_channels - channel;
    const auto lanes = static_cast<__mmask16>(left >= kChannelStep ? 0xFFFF : (1 << left) - 1);
    const __m512 bias = _mm512_loadu_ps(op_.bias + channel);
    for (int64_t p = 0; p < tiling_.positions * kChannelStep; p += kChannelStep) {
      __m512 sum = _mm512_add_ps(_mm512_load_ps(sums + p), bias);
      if (residual_ != nullptr) sum = _mm512_add_ps(sum, _mm512_loadu_ps(residual_ + at + p));
      sum = activate<kKind>(sum, op_.activation.slope);
      if constexpr (!keeps_zero(kKind)) sum = _mm512_maskz_mov_ps(lanes, sum);
      _mm512_storeu_ps(dst_ + at + p, sum);
    }
  }

  const SplitConv& op_;
  Split split_;
  Tiling tiling_;
  const float* residual_;
  float* dst_;
  alignas(kLineBytes) std::array<std::array<float, 4 * kTileSums>, 2> sums_;
  unsigned current_ = 0;  ///< buffer of the next block
  Block pending_;         ///< in the other buffer
};

}  // namespace

void pack_split_conv(const SplitConv& op, const float* weights, Bf16* packed) {
  const __m512i lanes = lanes_of(Order::kPaired);
  const int64_t depth_blocks = block_count(op.in_channels, kTileDepth);
  const int64_t columns = block_count(op.out_channels, kChannelStep);
  const int64_t taps = op.taps();
  alignas(kLineBytes) std::array<float, kTileValues> inputs;  // [kTileDepth, kChannelStep]
  for (int64_t column = 0; column < columns; ++column) {
    const int64_t pair = column / 2 * 2;
    const int64_t width = std::min<int64_t>(2, columns - pair);
    const int64_t part_values = taps * depth_blocks * width * kTileValues;
    Bf16* panel = packed + pair * kSplitParts * taps * depth_blocks * kTileValues;
    const int64_t first_output = column * kChannelStep;
    const int64_t outputs = std::min(kChannelStep, op.out_channels - first_output);
    for (int64_t block = 0; block < taps * depth_blocks; ++block) {
      const int64_t tap = block / depth_blocks;
      const int64_t first_input = block % depth_blocks * kTileDepth;
      const int64_t count = std::min(kTileDepth, op.in_channels - first_input);
      inputs.fill(0.0F);
      for (int64_t o = 0; o < outputs; ++o) {
        const float* from = weights + ((first_output + o) * op.in_channels + first_input) * taps + tap;
        for (int64_t i = 0; i < count; ++i) inputs[static_cast<size_t>(i * kChannelStep + o)] = from[i * taps];
      }
      // A tile's row holds two inputs of every output, next to each other.
      Bf16* row = panel + (block * width + column - pair) * kTileValues;
      for (const float* at = inputs.data(); at < inputs.data() + kTileValues; at += 2 * kChannelStep) {
        store_parts(_mm512_load_ps(at), _mm512_load_ps(at + kChannelStep), lanes, row, part_values);
        row += kTileDepth;
      }
    }
  }
}

void split_conv(const SplitConv& op, const float* src, const float* residual, float* dst, std::byte* scratch,
                int64_t begin, int64_t end) {
  auto* parts = reinterpret_cast<Bf16*>(scratch);
  const int64_t depth_blocks = block_count(op.in_channels, kTileDepth);
  const int64_t src_image = block_count(op.in_channels, kChannelStep) * kChannelStep * op.src_h * op.src_w;
  const int64_t dst_image = block_count(op.out_channels, kChannelStep) * kChannelStep * op.dst_h * op.dst_w;
  for (int64_t item = begin; item < end; ++item) {
    const Part chunk = part_of(op.chunk_units(), op.chunks, item % op.chunks);
    const int64_t units = chunk.end - chunk.begin;
    const int64_t image = item / op.chunks;
    const SplitSource source = split_source(op, units);
    split(op, source, src + image * src_image, chunk.begin, parts);
    const Tiling tiling(op, source, units);
    const int64_t at = image * dst_image + chunk.begin * (op.is_pointwise() ? 1 : op.dst_w) * kChannelStep;
    const TileScope scope(PositionTileShape{.rows = tiling.positions});
    with_activation(op.activation.kind, [&](auto kind) {
      constexpr ActivationKind kKind = decltype(kind)::value;
      Chunk<kKind>(op, {parts, depth_blocks, source}, tiling, residual == nullptr ? nullptr : residual + at, dst + at)
          .run();
    });
  }
}

}  // namespace zoo::engine::kernels
