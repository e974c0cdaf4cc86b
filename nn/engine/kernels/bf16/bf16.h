// Own kernels of bf16 networks. They run where Capabilities::avx512_bf16 says so and nowhere else; dense convolutions
// have a set of functions of their own for AMX's tiles (Bf16Table).
//
// Channels-last layout: positions [N, H, W], channel_pitch(C) values apart, of padded_channels(C) values each, those
// beyond C ("tail") always zero. What lies between two positions is never used. No row of an AMX tile may cross a cache
// line: loading such a tile takes seven times as long. Sums are kept in f32; every value
// that is stored is rounded to bf16 once (to nearest even). Vectors [N, C] stay f32 in the blocked layout of kernels.h,
// 16 lanes.
//
// `begin`, `end` bound the work items of a call, so that callers may split work between threads. No function allocates
// or throws.
#pragma once

#include <cstdint>
#include <string_view>

#include "nn/engine/kernels/common/bf16_isa.h"
#include "nn/engine/kernels/common/numbers.h"

namespace zoo::engine::kernels {

/// Channels of half a cache line, one vector of sums, one column of tiles.
inline constexpr int64_t kChannelStep = 16;

/// Half a cache line or whole ones.
constexpr int64_t padded_channels(int64_t channels) {
  const int64_t step = channels <= kChannelStep ? kChannelStep : 2 * kChannelStep;
  return (channels + step - 1) / step * step;
}

/// From one position to the next, in values. The rows of a tile are that far apart, and lie in few sets of the
/// first-level cache where that is a multiple of a large power of two: there positions get a cache line more
/// (`zoo_benchmarks --benchmark_filter=tiles_of_wide_maps`). With fewer channels such rows are near each other anyway.
constexpr int64_t channel_pitch(int64_t channels) {
  constexpr int64_t kLine = 2 * kChannelStep;
  constexpr int64_t kManyChannels = 256;
  const int64_t padded = padded_channels(channels);
  return padded >= kManyChannels && padded % (4 * kLine) == 0 ? padded + kLine : padded;
}

/// Pairs of channel blocks, the unit of work of most kernels: what one cache line holds.
constexpr int64_t channel_pairs(int64_t channels) { return (channels + 2 * kChannelStep - 1) / (2 * kChannelStep); }

/// Work item: one image. `blocked` has kChannelStep lanes.
void blocked_to_bf16(const float* blocked, Bf16* dst, int64_t channels, int64_t area, int64_t begin, int64_t end);
void bf16_to_blocked(const Bf16* src, float* blocked, int64_t channels, int64_t area, int64_t begin, int64_t end);

/// Values of one row of a full tile of positions: what one step of depth multiplies.
inline constexpr int64_t kTileDepth = 32;

/// dst = f(conv(src) + bias + residual), groups 1, padding already in the source. A position's result is the sum over
/// `taps` of `depth_blocks` tiles of `depth` values that lie one after the other in the source. Positions come in runs
/// of equal distance, e.g. the columns of one row of the result.
struct TileConv {
  const Bf16* weights = nullptr;  ///< made by `pack_tile_weights`
  const float* bias = nullptr;    ///< [out padded to 2 * kChannelStep]
  int64_t out_channels = 0;
  int64_t dst_row = 0;                   ///< channel_pitch(out_channels)
  int64_t taps = 1;                      ///< 1x1: 1
  int64_t depth_blocks = 1;              ///< per tap
  int64_t depth = kTileDepth;            ///< at most kTileDepth, a multiple of four; less only with one block
  const int64_t* tap_offsets = nullptr;  ///< [taps], from the position's first value
  int64_t position_stride = 0;           ///< between the positions of a run, in values
  int64_t run_length = 0;
  int64_t runs = 1;  ///< per image
  int64_t run_stride = 0;
  int64_t dst_run = 0;  ///< positions of the result from one run to the next
  int64_t images = 1;
  int64_t image_stride = 0;
  ResolvedActivation activation;
};

/// On AMX. Work items: pairs of columns of tiles or, for many positions, pairs of tiles of positions. `residual` may be
/// null, else it lies like dst.
int64_t tile_conv_items(const TileConv& conv);
void tile_conv(const TileConv& conv, const Bf16* src, const Bf16* residual, Bf16* dst, int64_t begin, int64_t end);
/// The same by dot products on vectors. Work items: pairs of columns or, for many positions, tiles of positions.
int64_t dot_conv_items(const TileConv& conv);
void dot_conv(const TileConv& conv, const Bf16* src, const Bf16* residual, Bf16* dst, int64_t begin, int64_t end);

/// Values that packed weights have: blocks of kTileDepth x 2 columns of tiles, the last column alone if they are odd.
int64_t packed_tile_weights(int64_t out_channels, int64_t taps, int64_t depth_blocks);
/// [out, taps, values] row-major, `values` at most depth_blocks * kTileDepth. `packed` must be zero before.
void pack_tile_weights(const float* weights, int64_t out_channels, int64_t taps, int64_t values, int64_t depth_blocks,
                       Bf16* packed);

/// dst = f(conv(src) + bias) of every channel alone.
struct Bf16Depthwise {
  const float* weights = nullptr;  ///< [C / kChannelStep, kernel_h * kernel_w, kChannelStep]
  const float* bias = nullptr;     ///< [C padded to kChannelStep]
  /// [N, C padded to kChannelStep]: of every result before it is rounded, over all positions; null: not wanted.
  float* sums = nullptr;
  int64_t channels = 0;
  int64_t kernel = 3;  ///< of both axes: 3, 5 or 7
  int64_t stride = 1;  ///< of both axes: 1 or 2
  int64_t src_h = 0, src_w = 0, dst_h = 0, dst_w = 0;
  int64_t pad_top = 0, pad_left = 0;
  ActivationKind activation = ActivationKind::kIdentity;  ///< one that depthwise_computes
};

/// Whether the kernel has this activation.
constexpr bool depthwise_computes(ActivationKind kind) {
  return kind == ActivationKind::kIdentity || kind == ActivationKind::kRelu || kind == ActivationKind::kRelu6 ||
         kind == ActivationKind::kHardSwish;
}
/// Floats of scratch, aligned to a cache line, that one caller of `depthwise_conv` needs.
int64_t depthwise_scratch(const Bf16Depthwise& conv);
/// Work item: one pair of channel blocks (2 * kChannelStep channels) of one image.
void depthwise_conv(const Bf16Depthwise& conv, const Bf16* src, Bf16* dst, float* scratch, int64_t begin, int64_t end);

/// depthwise(expand(src)), where `expand` has no residual and its runs are the rows that `depthwise` reads.
struct ExpandDepthwise {
  TileConv expand;
  Bf16Depthwise depthwise;
};
/// On AMX. Floats of scratch, aligned to a cache line, that one caller needs; work item: as of depthwise_conv.
int64_t expand_depthwise_scratch(const ExpandDepthwise& op);
void expand_depthwise(const ExpandDepthwise& op, const Bf16* src, Bf16* dst, float* scratch, int64_t begin,
                      int64_t end);
/// The same by dot products on vectors.
int64_t dot_expand_depthwise_scratch(const ExpandDepthwise& op);
void dot_expand_depthwise(const ExpandDepthwise& op, const Bf16* src, Bf16* dst, float* scratch, int64_t begin,
                          int64_t end);

/// Dense convolutions by the functions of one instruction set: see those above. Weights are packed alike for all.
struct Bf16Table {
  Bf16Isa isa = Bf16Isa::kDot;
  std::string_view prefix;  ///< of the names of kernels: "amx", "dot"
  int64_t (*conv_items)(const TileConv& conv) = nullptr;
  void (*conv)(const TileConv& conv, const Bf16* src, const Bf16* residual, Bf16* dst, int64_t begin,
               int64_t end) = nullptr;
  int64_t (*expand_depthwise_scratch)(const ExpandDepthwise& op) = nullptr;
  void (*expand_depthwise)(const ExpandDepthwise& op, const Bf16* src, Bf16* dst, float* scratch, int64_t begin,
                           int64_t end) = nullptr;
};

/// Precondition: the machine has the set (machine/capabilities.h).
const Bf16Table& bf16_table(Bf16Isa isa);

/// Channels of an image's pixel for the first convolution.
inline constexpr int64_t kPixelChannels = 4;

/// Work item: one row of one padded image. Planar f32 [N, channels, h, w], at most kPixelChannels channels ->
/// [N, padded_h, padded_w, kPixelChannels] with zeros around; row `begin` goes to `dst`.
struct PadImage {
  int64_t channels = 3;
  int64_t h = 0, w = 0, padded_h = 0, padded_w = 0;
  int64_t pad_top = 0, pad_left = 0;
};
void pad_image(const PadImage& op, const float* src, Bf16* dst, int64_t begin, int64_t end);
/// Work item: one row of the result of one image. What each position of a 3x3 convolution of three planar channels
/// reads [N, 3, h, w], as one row of a tile: 27 values [row, column, channel] and zeros, kTileDepth in all. Every row
/// of a tile is a cache line of its own, and one product does the three rows of the kernel. Row `begin` goes to `dst`.
struct UnfoldImage {
  static constexpr int64_t kChannels = 3;
  static constexpr int64_t kKernel = 3;

  int64_t h = 0, w = 0, dst_h = 0, dst_w = 0;
  int64_t stride_h = 2, stride_w = 2;
  int64_t pad_top = 0, pad_left = 0;
};
void unfold_image(const UnfoldImage& op, const float* src, Bf16* dst, int64_t begin, int64_t end);
/// The same as pad_image for rows of positions `channels` values apart that are bf16 and channels-last already.
void pad_rows(const PadImage& op, const Bf16* src, Bf16* dst, int64_t begin, int64_t end);

/// Work item: one pair of channel blocks of one image. [N, area, C] -> mean [N, C] f32 blocked.
void mean_bf16(const Bf16* src, float* dst, int64_t channels, int64_t area, int64_t begin, int64_t end);
/// Work item: one position of all images. dst = src * gate[image, channel]; dst may be src. `gate` is f32 [N, C].
void scale_bf16(const Bf16* src, const float* gate, Bf16* dst, int64_t channels, int64_t area, int64_t begin,
                int64_t end);
/// Work item: one position. dst = f(src), f(src + other) with `other`; dst may be src.
void map_bf16(const Bf16* src, const Bf16* other, Bf16* dst, ResolvedActivation f, int64_t channels, int64_t begin,
              int64_t end);

/// KernelTable::mat_vec with weights in bf16, packed by `pack_bf16_matrix`.
struct Bf16MatVec {
  const Bf16* weights = nullptr;  ///< [outputs / kChannelStep, inputs / 2, kChannelStep, 2]
  const float* bias = nullptr;    ///< [outputs padded to kChannelStep]
  int64_t inputs = 0;
  int64_t outputs = 0;
  ResolvedActivation activation;
};
void mat_vec_bf16(const Bf16MatVec& op, const float* src, int64_t src_stride, float* dst, int64_t dst_stride,
                  int64_t rows, int64_t begin, int64_t end);
/// Values that the packed matrix has; it must be zero before packing.
int64_t packed_bf16_matrix(int64_t outputs, int64_t inputs);
void pack_bf16_matrix(const float* weights, int64_t outputs, int64_t inputs, Bf16* packed);

}  // namespace zoo::engine::kernels
