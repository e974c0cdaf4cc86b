// Own kernels of int8 networks, and the arithmetic that they share.
//
// Maps are unsigned 8-bit numbers: real value = (q - zero) * step. Weights are signed 8-bit numbers with one step per
// output channel; products are summed exactly in 32 bits, of which there are never more than kInt8MostProducts. A sum
// becomes the next map's q in f32 (`Int8Epilogue`), so that an activation sees the real value, rounded to nearest even
// once. int8_reference.cpp has the same functions as plain loops; every kernel equals it bit for bit.
//
// Channels-last layout: [N, H, W, C'] with C' = int8_padded(C). What lies in the channels beyond C ("tail") does not
// matter: weights are zero there. Kernels may read up to kInt8Slack bytes beyond a map's end.
//
// `begin`, `end` bound the work items of a call, so that callers may split work between threads. No function allocates
// or throws.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "nn/engine/kernels/common/isa.h"
#include "nn/engine/kernels/common/numbers.h"

namespace zoo::engine::kernels {

inline constexpr int64_t kInt8Lanes = 16;
/// Bytes of one row of a tile: what one step of a convolution reads of a position.
inline constexpr int64_t kInt8Depth = 64;
inline constexpr int64_t kInt8Slack = 64;

constexpr int64_t int8_padded(int64_t channels) { return (channels + kInt8Lanes - 1) / kInt8Lanes * kInt8Lanes; }

/// From sums to what is stored. With x = sum * scale + bias (+ residual * residual_scale), in steps of the result,
///   kLinear     q = clamp(round(x), low, high)
///   kHardSwish  q = clamp(round(x * clamp(x * unit / 6 + 1 / 2, 0, 1) + zero), 0, 255)
///   kOther      q = clamp(round(f(x * unit) / unit + zero), 0, 255)
/// A result in f32 is f(x * unit); its unit is 1. Arrays have one entry per output channel, padded to kInt8Lanes.
struct Int8Epilogue {
  enum class Mode { kLinear, kHardSwish, kOther };

  Mode mode = Mode::kLinear;
  bool to_f32 = false;
  ResolvedActivation activation;
  const float* scale = nullptr;
  const float* bias = nullptr;  ///< zero points of source and residual included, in kLinear also that of the result
  const float* unit = nullptr;  ///< step of the result
  const float* zero = nullptr;  ///< of the result; not in kLinear
  float residual_scale = 0.0F;
  int32_t low = 0;
  int32_t high = 255;
};

/// Memory that later steps read, to be fetched into the second-level cache while this one computes. May lie beyond what
/// is there: fetching never fails.
struct Int8Ahead {
  const std::byte* begin = nullptr;
  int64_t bytes = 0;
};

/// `rows` neighbouring positions of a convolution's result.
struct Int8Tile {
  int64_t src = 0;       ///< byte offset of the first position's first tap
  int64_t dst = 0;       ///< byte offset of the first position
  int64_t residual = 0;  ///< byte offset of the first position
};

/// dst = f(conv(src) + bias + residual), groups = 1, any kernel and stride. The source has its padding around it
/// already. A kernel row is `row_bytes` contiguous bytes of the source.
struct Int8Conv {
  const int8_t* weights = nullptr;  ///< see Int8Table::pack_conv
  const Int8Tile* tiles = nullptr;
  int64_t rows = 0;  ///< positions per tile, at most 16; tiles may overlap
  int64_t kernel_rows = 1;
  int64_t row_bytes = 0;        ///< multiple of 4
  int64_t row_pitch = 0;        ///< bytes from one kernel row to the next
  int64_t position_pitch = 0;   ///< bytes from one position's first tap to the next one's
  int64_t out_blocks = 0;       ///< of kInt8Lanes channels
  int64_t dst_pitch = 0;        ///< bytes from one position of the result to the next
  int64_t dst_block_pitch = 0;  ///< bytes from one block of channels to the next; of kInt8Lanes, in f32 of `lanes`
  int64_t residual_pitch = 0;   ///< bytes from one position to the next
  int64_t lanes = kInt8Lanes;   ///< of a block of a result in f32
  int64_t f32_blocks = 0;       ///< that a result in f32 has; no others are written
  Int8Epilogue epilogue;
  Int8Ahead ahead = {};

  int64_t depth_blocks() const { return kernel_rows * ((row_bytes + kInt8Depth - 1) / kInt8Depth); }
};

/// Depthwise convolution with a square kernel of 3, 5 or 7 and stride 1 or 2.
struct Int8Depthwise {
  const int8_t* weights = nullptr;  ///< see pack_int8_depthwise
  const uint8_t* zero = nullptr;    ///< zero points of the source, [C']: what the padding holds
  int64_t channels = 0;             ///< C'
  int64_t kernel = 3, stride = 1, pad_top = 0, pad_left = 0;
  int64_t src_h = 0, src_w = 0, dst_h = 0, dst_w = 0;
  Int8Epilogue epilogue;  ///< never to_f32
  Int8Ahead ahead = {};
};

/// y = f(W x + bias) on vectors of f32, weights in 8 bits, x in up to 16: x is rounded to a step that uses them all.
struct Int8MatVec {
  const int8_t* weights = nullptr;  ///< see pack_int8_matrix
  const float* scale = nullptr;     ///< step of each output's weights, [outputs']
  const float* bias = nullptr;      ///< [outputs']
  int64_t inputs = 0;
  int64_t outputs = 0;
  ResolvedActivation activation;
  int64_t lanes = kInt8Lanes;  ///< of a block of y
};

/// A map in f32, blocked, [N, ceil(channels / lanes), area, lanes].
struct Int8Blocked {
  int64_t channels = 0;
  int64_t area = 0;
  int64_t lanes = kInt8Lanes;

  int64_t blocks() const { return (channels + lanes - 1) / lanes; }
};

/// Quantisation of one image of up to four planes, with a border.
struct Int8Image {
  const float* inverse_step = nullptr;  ///< [channels]
  const float* zero = nullptr;          ///< [channels], need not be whole
  int64_t channels = 3;
  int64_t src_h = 0, src_w = 0;
  int64_t dst_h = 0, dst_w = 0;
  int64_t pad_top = 0, pad_left = 0;
};

/// Weights of a convolution in the order of Int8Conv: a kernel row in the order of the source's bytes, with zeros for
/// its tail.
struct Int8ConvWeights {
  int64_t out_channels = 0;
  int64_t kernel_rows = 1;
  int64_t row_bytes = 0;  ///< multiple of 4
};

/// Functions of one instruction set. Blocks of f32 have lanes_of(isa) channels; only the reference takes any.
struct Int8Table {
  Int8Isa isa = Int8Isa::kReference;

  /// Bytes of packed weights, and `weights` [out, kernel_rows, row_bytes] as `conv` wants them.
  int64_t (*packed_conv_size)(const Int8ConvWeights& shape) = nullptr;
  void (*pack_conv)(const Int8ConvWeights& shape, const int8_t* weights, int8_t* packed) = nullptr;

  /// Work item: one tile.
  void (*conv)(const Int8Conv& op, const uint8_t* src, const uint8_t* residual, std::byte* dst, int64_t begin,
               int64_t end) = nullptr;

  /// Work item: one block of channels of one image. `ring`: int8_ring_bytes() for this call alone. `sums` (may be null)
  /// [N, C'] gets the sum of the results of every channel.
  void (*depthwise)(const Int8Depthwise& op, const uint8_t* src, uint8_t* dst, int32_t* sums, std::byte* ring,
                    int64_t begin, int64_t end) = nullptr;

  /// Rounds `rows` rows of `inputs` values to whole numbers for mat_vec, [rows, int8_row_size(inputs)]; steps: [rows].
  /// The step of a row with a NaN or an infinity is NaN, and with it all that mat_vec makes of the row.
  void (*round_rows)(const float* src, int64_t src_pitch, int64_t inputs, int64_t rows, int16_t* rounded,
                     float* steps) = nullptr;
  /// Work item: one block of kInt8Lanes outputs. The tail of y's last block is zero.
  void (*mat_vec)(const Int8MatVec& op, const int16_t* rounded, const float* steps, float* dst, int64_t dst_pitch,
                  int64_t rows, int64_t begin, int64_t end) = nullptr;

  /// Work item: one image. sums[N, C'] over `area` positions.
  void (*sum_positions)(const uint8_t* src, int32_t* sums, int64_t area, int64_t channels, int64_t begin,
                        int64_t end) = nullptr;
  /// Work item: one position of one image. q' = clamp(round(q * factor + offset), 0, 255) with factor and offset
  /// [N, C']; dst may be src.
  void (*rescale)(const uint8_t* src, const float* factor, const float* offset, uint8_t* dst, int64_t area,
                  int64_t channels, int64_t begin, int64_t end) = nullptr;
  /// Work item: one position. What the epilogue makes of `a` as sum and `b` as residual; `b` may be null, dst may be a.
  void (*map)(const Int8Epilogue& op, const uint8_t* a, const uint8_t* b, uint8_t* dst, int64_t channels, int64_t begin,
              int64_t end) = nullptr;

  /// Work item: one row of one image of the result, [N, dst_h, dst_w, 4]; row `begin` goes to `dst`. Here as in
  /// `quantize`, what lies beyond 0 to 255 becomes the nearer end and NaN 0: bytes hold none.
  void (*quantize_image)(const Int8Image& op, const float* src, uint8_t* dst, int64_t begin, int64_t end) = nullptr;
  /// Work item: one block of 16 channels of one image. The tail of the f32 side is zero.
  void (*quantize)(const Int8Blocked& map, const float* src, const float* inverse_step, const float* zero, uint8_t* dst,
                   int64_t begin, int64_t end) = nullptr;
  void (*dequantize)(const Int8Blocked& map, const uint8_t* src, const float* step, const float* zero, float* dst,
                     int64_t begin, int64_t end) = nullptr;
};

/// Precondition: the machine has the set (machine/capabilities.h).
const Int8Table& int8_table(Int8Isa isa);

/// In quads: [out' / 16, kernel_rows, row_bytes / 4 padded to whole kInt8Depth, 16, 4].
int64_t packed_int8_quads_size(const Int8ConvWeights& shape);
void pack_int8_quads(const Int8ConvWeights& shape, const int8_t* weights, int8_t* packed);
/// In pairs of 16 bits: [out' / 16, kernel_rows, row_bytes / 2, 16, 2].
int64_t packed_int8_pairs_size(const Int8ConvWeights& shape);
void pack_int8_pairs(const Int8ConvWeights& shape, const int8_t* weights, int8_t* packed);

/// Groups of four taps that a kernel row has.
constexpr int64_t int8_quads(int64_t kernel) { return (kernel + 3) / 4; }
/// Channels that depthwise convolutions take side by side where they can: a cache line.
inline constexpr int64_t kInt8Wide = 64;
/// Rows of the result that are computed from the same quads of rows of the source.
constexpr int64_t int8_wide_rows(int64_t kernel, int64_t stride) { return stride == 1 || kernel == 5 ? 2 : 1; }
/// Quads of rows that they read.
constexpr int64_t int8_wide_quads(int64_t kernel, int64_t stride) {
  return ((int8_wide_rows(kernel, stride) - 1) * stride + kernel + 3) / 4;
}
/// Bytes of the packed weights that 16 channels at a time are multiplied with.
constexpr int64_t int8_narrow_size(int64_t channels, int64_t kernel) {
  return int8_padded(channels) * kernel * int8_quads(kernel) * 4;
}
/// Bytes of all packed weights.
int64_t packed_int8_depthwise_size(int64_t channels, int64_t kernel, int64_t stride);
/// `weights` [channels, kernel, kernel] -> for 16 channels at a time [C' / 16, kernel, quads, 16, 4], four columns of a
/// kernel row together; behind them for kInt8Wide at a time [C' / 64, quarter, column, quad of rows, row of the result,
/// 16, 4], where quarter q has channels 16 l + 4 q + (0 to 3) in lanes 4 l to 4 l + 3: how bytes of 64 channels unpack.
void pack_int8_depthwise(const int8_t* weights, int64_t channels, int64_t kernel, int64_t stride, int8_t* packed);
/// Bytes that one caller of `depthwise` needs.
int64_t int8_ring_bytes(const Int8Depthwise& op);

/// The most products of an unsigned and a signed byte whose sum 32 bits hold whatever the bytes are: 255 * 127 each.
inline constexpr int64_t kInt8MostProducts = std::numeric_limits<int32_t>::max() / (255 * 127);
/// The most positions whose bytes' sum they hold.
inline constexpr int64_t kInt8MostPositions = std::numeric_limits<int32_t>::max() / 255;
/// A row of mat_vec without a larger number counts as zero: the inverse of its step would leave the floats.
inline constexpr float kInt8LeastRow = 1e-30F;

/// Inputs of a row of mat_vec, padded to whole vectors.
constexpr int64_t int8_row_size(int64_t inputs) { return (inputs + 31) / 32 * 32; }
/// The largest whole number that x is rounded to: no sum leaves 32 bits.
int32_t int8_row_limit(int64_t inputs);
/// `weights` [outputs, inputs] -> [outputs' / 16, int8_row_size / 2, 16, 2].
void pack_int8_matrix(const int8_t* weights, int64_t outputs, int64_t inputs, int8_t* packed);

}  // namespace zoo::engine::kernels
