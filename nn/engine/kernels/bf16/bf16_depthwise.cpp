// Depthwise convolutions, channels-last. The rows of the source that a row of the result needs are widened to f32 once,
// with the zeros of the padding around them, into a ring of as many rows as the kernel has: small enough for the L1,
// and the inner loop knows neither borders nor bf16. It keeps the sums of kTile positions in registers.
#include <algorithm>
#include <array>
#include <limits>

#include "nn/engine/kernels/bf16/bf16.h"
#include "nn/engine/kernels/bf16/bf16_rows.h"
#include "nn/engine/kernels/bf16/bf16_vec.h"

namespace zoo::engine::kernels {
namespace {

template <ActivationKind kKind, int kTile, int kHalves>
inline __attribute__((always_inline)) void activate_sums(__m512 (&sums)[kTile][kHalves]) {
#pragma GCC unroll 8
  for (int t = 0; t < kTile; ++t) {
#pragma GCC unroll 2
    for (int h = 0; h < kHalves; ++h) sums[t][h] = activate<kKind>(sums[t][h], 0.0F);
  }
}

/// Adds those of positions [first, kTile).
template <int kTile, int kHalves>
inline __attribute__((always_inline)) void add_sums(const __m512 (&values)[kTile][kHalves], int64_t first,
                                                    float* sums) {
#pragma GCC unroll 2
  for (int h = 0; h < kHalves; ++h) {
    __m512 sum = _mm512_loadu_ps(sums + h * kChannelStep);
#pragma GCC unroll 8
    for (int t = 0; t < kTile; ++t) {
      if (t >= first) sum = _mm512_add_ps(sum, values[t][h]);
    }
    _mm512_storeu_ps(sums + h * kChannelStep, sum);
  }
}

/// `known`: positions at the beginning of the tile that another one has computed already.
template <int kKernel, int kStride, int kTile, int kHalves>
inline void tile_at(const DepthwiseRow& row, int64_t x, int64_t known) {
  constexpr int kInputs = (kTile - 1) * kStride + kKernel;
  constexpr int64_t kStep = kHalves * kChannelStep;
  __m512 sums[kTile][kHalves];
#pragma GCC unroll 8
  for (int t = 0; t < kTile; ++t) {
#pragma GCC unroll 2
    for (int h = 0; h < kHalves; ++h) sums[t][h] = _mm512_loadu_ps(row.bias + h * kChannelStep);
  }
#pragma GCC unroll 1
  for (int ky = 0; ky < kKernel; ++ky) {
    const float* src = row.src[static_cast<size_t>(ky)] + x * kStride * kStep;
    asm("" : "+r"(src));  // one pointer and constant offsets, not one register per offset
    __m512 weights[kKernel][kHalves];
#pragma GCC unroll 8
    for (int kx = 0; kx < kKernel; ++kx) {
#pragma GCC unroll 2
      for (int h = 0; h < kHalves; ++h) {
        weights[kx][h] = _mm512_loadu_ps(row.weights + (h * kKernel * kKernel + ky * kKernel + kx) * kChannelStep);
      }
    }
#pragma GCC unroll 32
    for (int i = 0; i < kInputs; ++i) {
#pragma GCC unroll 2
      for (int h = 0; h < kHalves; ++h) {
        const __m512 value = in_register(_mm512_load_ps(src + i * kStep + h * kChannelStep));
#pragma GCC unroll 8
        for (int kx = 0; kx < kKernel; ++kx) {
          const int t = (i - kx) / kStride;
          if (i >= kx && (i - kx) % kStride == 0 && t < kTile) {
            sums[t][h] = _mm512_fmadd_ps(value, weights[kx][h], sums[t][h]);
          }
        }
      }
    }
  }
  switch (row.activation) {
    case ActivationKind::kRelu:
      activate_sums<ActivationKind::kRelu>(sums);
      break;
    case ActivationKind::kRelu6:
      activate_sums<ActivationKind::kRelu6>(sums);
      break;
    case ActivationKind::kHardSwish:
      activate_sums<ActivationKind::kHardSwish>(sums);
      break;
    default:
      break;
  }
  if (row.sums != nullptr) add_sums(sums, known, row.sums);
  const bool half_line = row.dst_step == kChannelStep;
#pragma GCC unroll 8
  for (int t = 0; t < kTile; ++t) {
    const __m512 second = kHalves == 2 ? sums[t][kHalves - 1] : _mm512_setzero_ps();
    const __m512bh rounded = _mm512_cvtne2ps_pbh(second, sums[t][0]);
    const __m512i values = reinterpret_cast<const __m512i&>(rounded);
    Bf16* to = row.dst + (x + t) * row.dst_step;
    if (kHalves == 1 && half_line) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_castsi512_si256(values));
    } else {
      _mm512_storeu_si512(to, values);
    }
  }
}

template <int kKernel, int kStride, int kTile, int kHalves>
void row_of_tiles(const DepthwiseRow& row) {
  // The last tile overlaps the one before where they do not fit.
  for (int64_t x = 0; x < row.width; x += kTile) {
    const int64_t first = std::min(x, row.width - kTile);
    tile_at<kKernel, kStride, kTile, kHalves>(row, first, x - first);
  }
}

/// Positions per tile: the size that computes the fewest positions twice.
int64_t best_tile(int64_t width) {
  int64_t best = 1;
  int64_t best_cost = std::numeric_limits<int64_t>::max();
  for (const int64_t tile : {8, 7, 5}) {
    const int64_t cost = (width + tile - 1) / tile * tile;
    if (tile <= width && cost < best_cost) {
      best = tile;
      best_cost = cost;
    }
  }
  return best;
}

template <int kKernel, int kStride, int kHalves>
DepthwiseRowFunction row_function(int64_t width) {
  switch (best_tile(width)) {
    case 8:
      return row_of_tiles<kKernel, kStride, 8, kHalves>;
    case 7:
      return row_of_tiles<kKernel, kStride, 7, kHalves>;
    case 5:
      return row_of_tiles<kKernel, kStride, 5, kHalves>;
    default:
      return row_of_tiles<kKernel, kStride, 1, kHalves>;
  }
}

template <int kKernel, int kHalves>
DepthwiseRowFunction row_function(int64_t stride, int64_t width) {
  return stride == 1 ? row_function<kKernel, 1, kHalves>(width) : row_function<kKernel, 2, kHalves>(width);
}

template <int kHalves>
DepthwiseRowFunction row_function(const Bf16Depthwise& conv) {
  switch (conv.kernel) {
    case 3:
      return row_function<3, kHalves>(conv.stride, conv.dst_w);
    case 5:
      return row_function<5, kHalves>(conv.stride, conv.dst_w);
    default:
      return row_function<7, kHalves>(conv.stride, conv.dst_w);
  }
}

template <int kHalves>
void widen(const Bf16* src, int64_t step, int64_t count, float* dst) {
  for (int64_t x = 0; x < count; ++x) {
#pragma GCC unroll 2
    for (int64_t h = 0; h < kHalves; ++h) {
      _mm512_storeu_ps(dst + (x * kHalves + h) * kChannelStep, load_bf16(src + x * step + h * kChannelStep));
    }
  }
}

template <int kHalves>
void convolve_blocks(const Bf16Depthwise& conv, int64_t image, int64_t channel, const Bf16* src, Bf16* dst,
                     float* scratch) {
  const DepthwiseRowFunction compute = depthwise_row_function(conv, kHalves);
  RowRing ring(conv, kHalves, conv.kernel, scratch);
  DepthwiseRow row = depthwise_row(conv, kHalves, image, channel);
  int64_t ready = 0;  // rows of the source
  for (int64_t y = 0; y < conv.dst_h; ++y) {
    const int64_t first = y * conv.stride - conv.pad_top;
    for (; ready < std::min(conv.src_h, first + conv.kernel); ++ready) {
      widen<kHalves>(src + ready * conv.src_w * row.dst_step, row.dst_step, conv.src_w, ring.values(ready));
    }
    for (int64_t ky = 0; ky < conv.kernel; ++ky) row.src[static_cast<size_t>(ky)] = ring.padded(first + ky);
    row.dst = dst + y * conv.dst_w * row.dst_step;
    compute(row);
  }
}

}  // namespace

DepthwiseRowFunction depthwise_row_function(const Bf16Depthwise& conv, int64_t halves) {
  return halves == 2 ? row_function<2>(conv) : row_function<1>(conv);
}

DepthwiseRow depthwise_row(const Bf16Depthwise& conv, int64_t halves, int64_t image, int64_t channel) {
  DepthwiseRow row;
  if (conv.sums != nullptr) {
    const int64_t blocks = (conv.channels + kChannelStep - 1) / kChannelStep;
    row.sums = conv.sums + image * blocks * kChannelStep + channel;
    std::fill_n(row.sums, halves * kChannelStep, 0.0F);
  }
  row.weights = conv.weights + channel * conv.kernel * conv.kernel;
  row.bias = conv.bias + channel;
  row.dst_step = channel_pitch(conv.channels);
  row.width = conv.dst_w;
  row.activation = conv.activation;
  return row;
}

namespace {

/// Columns of a row with its padding: those that the result needs, and all of the source.
int64_t padded_width(const Bf16Depthwise& conv) {
  return std::max((conv.dst_w - 1) * conv.stride + conv.kernel, conv.pad_left + conv.src_w);
}

}  // namespace

int64_t RowRing::floats(const Bf16Depthwise& conv, int64_t halves, int64_t slots) {
  return (slots + 1) * padded_width(conv) * halves * kChannelStep;
}

RowRing::RowRing(const Bf16Depthwise& conv, int64_t halves, int64_t slots, float* memory)
    : memory_(memory),
      slots_(slots),
      src_h_(conv.src_h),
      row_floats_(padded_width(conv) * halves * kChannelStep),
      first_float_(conv.pad_left * halves * kChannelStep) {
  const int64_t last = first_float_ + conv.src_w * halves * kChannelStep;
  for (int64_t slot = 0; slot < slots_; ++slot) {
    float* row = memory_ + slot * row_floats_;
    std::fill(row, row + first_float_, 0.0F);
    std::fill(row + last, row + row_floats_, 0.0F);
  }
  std::fill(memory_ + slots_ * row_floats_, memory_ + (slots_ + 1) * row_floats_, 0.0F);
}

int64_t depthwise_scratch(const Bf16Depthwise& conv) { return RowRing::floats(conv, 2, conv.kernel); }

void depthwise_conv(const Bf16Depthwise& conv, const Bf16* src, Bf16* dst, float* scratch, int64_t begin, int64_t end) {
  const int64_t step = channel_pitch(conv.channels);
  const int64_t pairs = channel_pairs(conv.channels);
  for (int64_t item = begin; item < end; ++item) {
    const int64_t channel = item % pairs * 2 * kChannelStep;
    const int64_t image = item / pairs;
    const Bf16* from = src + image * conv.src_h * conv.src_w * step + channel;
    Bf16* to = dst + image * conv.dst_h * conv.dst_w * step + channel;
    if (conv.channels - channel > kChannelStep) {
      convolve_blocks<2>(conv, image, channel, from, to, scratch);
    } else {
      convolve_blocks<1>(conv, image, channel, from, to, scratch);
    }
  }
}

}  // namespace zoo::engine::kernels
