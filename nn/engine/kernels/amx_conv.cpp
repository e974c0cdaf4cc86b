// Convolutions and matrix products on AMX tiles.
//
// Tile registers: 0-3 sums (2 tiles of positions x 2 tiles of output channels), 4-5 positions, 6-7 weights. Every tile
// of positions is loaded straight from the channels-last source; sums start as the bias and leave through a small
// buffer, from which they are finished in f32 and rounded.
#include <algorithm>
#include <array>

#include "nn/engine/kernels/bf16.h"
#include "nn/engine/kernels/bf16_vec.h"

namespace zoo::engine::kernels {
namespace {

constexpr int64_t kTileRows = 16;
constexpr int64_t kTileBytes = 1024;
constexpr int64_t kCacheLine = 64;
/// Tiles of positions from which on the weights are re-read for every tile rather than the positions.
constexpr int64_t kManyTiles = 40;

/// Memory of LDTILECFG, Intel SDM volume 1, 18.3.
struct alignas(64) TileConfig {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  std::array<uint8_t, 14> reserved{};
  std::array<uint16_t, 16> row_bytes{};
  std::array<uint8_t, 16> rows{};
};

/// Configures the tiles of the calling thread while alive.
class TileScope {
 public:
  TileScope(int64_t positions, int64_t depth) {
    TileConfig config;
    for (size_t tile = 0; tile < 8; ++tile) {
      const bool weights = tile >= 6;
      config.rows[tile] = static_cast<uint8_t>(weights ? depth / 2 : positions);
      config.row_bytes[tile] = static_cast<uint16_t>(tile == 4 || tile == 5 ? depth * 2 : kCacheLine);
    }
    // GCC's intrinsic names only the first bytes of what it reads: the rest must not stay in registers.
    asm volatile("" ::"r"(&config) : "memory");
    _tile_loadconfig(&config);
  }
  ~TileScope() { _tile_release(); }
  TileScope(const TileScope&) = delete;
  TileScope& operator=(const TileScope&) = delete;
};

/// Where the sums of 2 x 2 tiles are put: rows of 2 vectors.
struct alignas(64) SumBuffer {
  std::array<float, 2 * kTileRows * 2 * kChannelStep> values;
};
constexpr int64_t kSumStride = 2 * kChannelStep;

/// One tile of positions: where it reads and writes.
struct PositionTile {
  const Bf16* src = nullptr;
  int64_t dst = 0;  ///< first position
};

/// Tiles of equal size in the order of the positions; the last one of a run may overlap the one before.
struct Tiling {
  explicit Tiling(const TileConv& conv)
      : per_run((conv.run_length + kTileRows - 1) / kTileRows),
        positions((conv.run_length + per_run - 1) / per_run),
        count(per_run * conv.runs * conv.images) {}

  PositionTile at(const TileConv& conv, const Bf16* src, int64_t index) const {
    const int64_t run = per_run == count ? 0 : index / per_run;
    const int64_t first = std::min((index - run * per_run) * positions, conv.run_length - positions);
    const int64_t image = conv.images == 1 ? 0 : run / conv.runs;
    return {
        src + image * conv.image_stride + (run - image * conv.runs) * conv.run_stride + first * conv.position_stride,
        run * conv.run_length + first};
  }

  int64_t per_run;
  int64_t positions;
  int64_t count;
};

bool splits_rows(const TileConv& conv) { return Tiling(conv).count > kManyTiles; }

/// Spreads the prefetching of the next weights over the work on these.
struct Prefetcher {
  const std::byte* next = nullptr;
  const std::byte* end = nullptr;
  int64_t lines = 0;  ///< per step

  void step() {
    for (int64_t i = 0; i < lines && next < end; ++i, next += kCacheLine) _mm_prefetch(next, _MM_HINT_T0);
  }
};

/// Sums of kRows x kColumns tiles into `sums`.
template <int kRows, int kColumns>
inline void multiply(const TileConv& conv, const Bf16* first, const Bf16* second, const std::byte* weights,
                     const float* bias, SumBuffer& sums, Prefetcher& prefetch) {
  constexpr int64_t kPanelBytes = kColumns * kTileBytes;
  const int64_t position_bytes = conv.position_stride * static_cast<int64_t>(sizeof(Bf16));
  _tile_loadd(0, bias, 0);
  if constexpr (kColumns == 2) _tile_loadd(1, bias + kChannelStep, 0);
  if constexpr (kRows == 2) _tile_loadd(2, bias, 0);
  if constexpr (kRows == 2 && kColumns == 2) _tile_loadd(3, bias + kChannelStep, 0);
  for (int64_t tap = 0; tap < conv.taps; ++tap) {
    const int64_t offset = conv.tap_offsets[tap];
    for (int64_t k = 0; k < conv.depth_blocks; ++k) {
      _tile_loadd(6, weights, kCacheLine);
      _tile_loadd(4, first + offset + k * kTileDepth, position_bytes);
      _tile_dpbf16ps(0, 4, 6);
      if constexpr (kColumns == 2) {
        _tile_loadd(7, weights + kTileBytes, kCacheLine);
        _tile_dpbf16ps(1, 4, 7);
      }
      if constexpr (kRows == 2) {
        _tile_loadd(5, second + offset + k * kTileDepth, position_bytes);
        _tile_dpbf16ps(2, 5, 6);
        if constexpr (kColumns == 2) _tile_dpbf16ps(3, 5, 7);
      }
      weights += kPanelBytes;
      prefetch.step();
    }
  }
  constexpr int64_t kStrideBytes = kSumStride * static_cast<int64_t>(sizeof(float));
  float* to = sums.values.data();
  _tile_stored(0, to, kStrideBytes);
  if constexpr (kColumns == 2) _tile_stored(1, to + kChannelStep, kStrideBytes);
  if constexpr (kRows == 2) _tile_stored(2, to + kTileRows * kSumStride, kStrideBytes);
  if constexpr (kRows == 2 && kColumns == 2) {
    _tile_stored(3, to + kTileRows * kSumStride + kChannelStep, kStrideBytes);
  }
}

/// Finishes the sums of one tile of positions. `dst` and `residual` point at the first channel of the first position.
template <ActivationKind kKind, bool kResidual, int kColumns>
inline void finish(const TileConv& conv, const float* sums, const Bf16* residual, Bf16* dst, int64_t positions,
                   __mmask16 last_lanes) {
  const bool half_line = conv.dst_row == kChannelStep;
  for (int64_t p = 0; p < positions; ++p) {
    __m512 low = _mm512_load_ps(sums + p * kSumStride);
    if constexpr (kResidual) low = _mm512_add_ps(low, load_bf16(residual + p * conv.dst_row));
    low = activate<kKind>(low, conv.activation.slope);
    Bf16* to = dst + p * conv.dst_row;
    if constexpr (kColumns == 2) {
      __m512 high = _mm512_load_ps(sums + p * kSumStride + kChannelStep);
      if constexpr (kResidual) high = _mm512_add_ps(high, load_bf16(residual + p * conv.dst_row + kChannelStep));
      high = activate<kKind>(high, conv.activation.slope);
      if constexpr (!keeps_zero(kKind)) high = _mm512_maskz_mov_ps(last_lanes, high);
      store_bf16_pair(to, low, high);
    } else {
      if constexpr (!keeps_zero(kKind)) low = _mm512_maskz_mov_ps(last_lanes, low);
      if (half_line) {
        store_bf16(to, low);
      } else {
        store_bf16_pair(to, low, _mm512_setzero_ps());
      }
    }
  }
}

/// All work of one kind of epilogue.
template <ActivationKind kKind, bool kResidual>
class Convolver {
 public:
  Convolver(const TileConv& conv, const Bf16* src, const Bf16* residual, Bf16* dst)
      : conv_(conv), tiling_(conv), src_(src), residual_(residual), dst_(dst) {}

  void run_columns(int64_t begin, int64_t end) {
    const int64_t pairs = (tiling_.count + 1) / 2;
    for (int64_t column = begin; column < end; ++column) {
      Prefetcher prefetch = next_columns(column, pairs);
      for (int64_t tile = 0; tile < tiling_.count; tile += 2) block(tile, column, prefetch);
    }
  }

  void run_rows(int64_t begin, int64_t end) {
    Prefetcher nothing;
    const int64_t columns = channel_pairs(conv_.out_channels);
    for (int64_t pair = begin; pair < end; ++pair) {
      for (int64_t column = 0; column < columns; ++column) block(pair * 2, column, nothing);
    }
  }

 private:
  int64_t panel_bytes() const { return conv_.taps * conv_.depth_blocks * 2 * kTileBytes; }

  Prefetcher next_columns(int64_t column, int64_t pairs) const {
    if (column + 1 >= channel_pairs(conv_.out_channels)) return {};
    const std::byte* next = weights(column + 1);
    const int64_t bytes = is_single(column + 1) ? panel_bytes() / 2 : panel_bytes();
    constexpr int64_t kLines = 2 * kTileBytes / kCacheLine;
    return {next, next + bytes, (kLines + pairs - 1) / pairs};
  }

  const std::byte* weights(int64_t column) const {
    return reinterpret_cast<const std::byte*>(conv_.weights) + column * panel_bytes();
  }
  /// Whether the last pair of columns has only one.
  bool is_single(int64_t column) const { return conv_.out_channels - column * 2 * kChannelStep <= kChannelStep; }

  void block(int64_t tile, int64_t column, Prefetcher& prefetch) {
    const bool pair = tile + 1 < tiling_.count;
    if (is_single(column)) {
      pair ? block<2, 1>(tile, column, prefetch) : block<1, 1>(tile, column, prefetch);
    } else {
      pair ? block<2, 2>(tile, column, prefetch) : block<1, 2>(tile, column, prefetch);
    }
  }

  template <int kRows, int kColumns>
  void block(int64_t tile, int64_t column, Prefetcher& prefetch) {
    const int64_t channel = column * 2 * kChannelStep;
    const PositionTile first = tiling_.at(conv_, src_, tile);
    const PositionTile second = kRows == 2 ? tiling_.at(conv_, src_, tile + 1) : first;
    multiply<kRows, kColumns>(conv_, first.src, second.src, weights(column), conv_.bias + channel, sums_, prefetch);
    const int64_t left = conv_.out_channels - channel - (kColumns - 1) * kChannelStep;
    const auto lanes = static_cast<__mmask16>(left >= kChannelStep ? 0xFFFF : (1 << left) - 1);
    finish_tile<kColumns>(first, sums_.values.data(), channel, lanes);
    if constexpr (kRows == 2)
      finish_tile<kColumns>(second, sums_.values.data() + kTileRows * kSumStride, channel, lanes);
  }

  template <int kColumns>
  void finish_tile(const PositionTile& tile, const float* sums, int64_t channel, __mmask16 lanes) {
    const int64_t at = tile.dst * conv_.dst_row + channel;
    finish<kKind, kResidual, kColumns>(conv_, sums, kResidual ? residual_ + at : nullptr, dst_ + at, tiling_.positions,
                                       lanes);
  }

  const TileConv& conv_;
  Tiling tiling_;
  const Bf16* src_;
  const Bf16* residual_;
  Bf16* dst_;
  SumBuffer sums_;
};

template <ActivationKind kKind>
void convolve(const TileConv& conv, const Bf16* src, const Bf16* residual, Bf16* dst, int64_t begin, int64_t end) {
  const TileScope scope(Tiling(conv).positions, conv.depth);
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
