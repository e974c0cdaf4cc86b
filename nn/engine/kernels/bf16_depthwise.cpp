// Depthwise convolutions, channels-last. The rows of the source that a row of the result needs are widened to f32 once,
// with the zeros of the padding around them, into a ring of as many rows as the kernel has: small enough for the L1,
// and the inner loop knows neither borders nor bf16. It keeps the sums of kTile positions in registers.
#include <algorithm>
#include <array>
#include <limits>

#include "nn/engine/kernels/bf16.h"
#include "nn/engine/kernels/bf16_vec.h"

namespace zoo::engine::kernels {
namespace {

constexpr int64_t kMaxKernel = 7;

/// min(max(x, low), high), of x or of hard_swish(x): every activation that the kernel has.
struct Epilogue {
  bool hard_swish = false;
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();
};

Epilogue epilogue_of(ActivationKind kind) {
  Epilogue e;
  if (kind == ActivationKind::kHardSwish) e.hard_swish = true;
  if (kind == ActivationKind::kRelu || kind == ActivationKind::kRelu6) e.low = 0.0F;
  if (kind == ActivationKind::kRelu6) e.high = 6.0F;
  return e;
}

/// One row of the result for kHalves blocks of kChannelStep channels.
struct Row {
  std::array<const float*, kMaxKernel> src{};  ///< [padded width, kHalves, kChannelStep] each
  const float* weights = nullptr;              ///< [kHalves][kernel * kernel, kChannelStep]
  const float* bias = nullptr;
  Bf16* dst = nullptr;
  int64_t dst_step = 0;  ///< between positions
  int64_t width = 0;
  Epilogue epilogue;
};

using RowFunction = void (*)(const Row&);

template <int kKernel, int kStride, int kTile, int kHalves>
inline void tile_at(const Row& row, int64_t x) {
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
        const __m512 value = _mm512_loadu_ps(src + i * kStep + h * kChannelStep);
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
  const __m512 low = _mm512_set1_ps(row.epilogue.low);
  const __m512 high = _mm512_set1_ps(row.epilogue.high);
  if (row.epilogue.hard_swish) {
#pragma GCC unroll 8
    for (int t = 0; t < kTile; ++t) {
#pragma GCC unroll 2
      for (int h = 0; h < kHalves; ++h) sums[t][h] = _mm512_mul_ps(sums[t][h], hard_sigmoid(sums[t][h]));
    }
  }
#pragma GCC unroll 8
  for (int t = 0; t < kTile; ++t) {
    Bf16* to = row.dst + (x + t) * row.dst_step;
    const __m512 first = _mm512_min_ps(_mm512_max_ps(sums[t][0], low), high);
    if constexpr (kHalves == 2) {
      store_bf16_pair(to, first, _mm512_min_ps(_mm512_max_ps(sums[t][1], low), high));
    } else if (row.dst_step == kChannelStep) {
      store_bf16(to, first);
    } else {
      store_bf16_pair(to, first, _mm512_setzero_ps());
    }
  }
}

template <int kKernel, int kStride, int kTile, int kHalves>
void row_of_tiles(const Row& row) {
  // The last tile overlaps the one before where they do not fit.
  for (int64_t x = 0; x < row.width; x += kTile) {
    tile_at<kKernel, kStride, kTile, kHalves>(row, std::min(x, row.width - kTile));
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
RowFunction row_function(int64_t width) {
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
RowFunction row_function(int64_t stride, int64_t width) {
  return stride == 1 ? row_function<kKernel, 1, kHalves>(width) : row_function<kKernel, 2, kHalves>(width);
}

template <int kHalves>
RowFunction row_function(const DepthwiseConv& conv) {
  switch (conv.kernel) {
    case 3:
      return row_function<3, kHalves>(conv.stride, conv.dst_w);
    case 5:
      return row_function<5, kHalves>(conv.stride, conv.dst_w);
    default:
      return row_function<7, kHalves>(conv.stride, conv.dst_w);
  }
}

int64_t padded_width(const DepthwiseConv& conv) { return (conv.dst_w - 1) * conv.stride + conv.kernel; }

/// The widened rows of one or two channel blocks of one image.
template <int kHalves>
class RowRing {
 public:
  RowRing(const DepthwiseConv& conv, const Bf16* src, float* memory)
      : conv_(conv),
        src_(src),
        memory_(memory),
        row_floats_(padded_width(conv) * kHalves * kChannelStep),
        first_(std::min(conv.pad_left, padded_width(conv))),
        count_(std::clamp<int64_t>(padded_width(conv) - first_, 0, conv.src_w)) {
    std::fill(memory_, memory_ + (conv.kernel + 1) * row_floats_, 0.0F);
  }

  /// The row `y` of the padded source; valid until `kernel` rows later.
  const float* row(int64_t y) {
    const int64_t src_y = y - conv_.pad_top;
    if (src_y < 0 || src_y >= conv_.src_h) return memory_ + conv_.kernel * row_floats_;  // zeros
    float* slot = memory_ + y % conv_.kernel * row_floats_;
    if (y >= next_) {
      widen(src_ + src_y * conv_.src_w * row_step(), slot + first_ * kHalves * kChannelStep);
      next_ = y + 1;
    }
    return slot;
  }

 private:
  int64_t row_step() const { return padded_channels(conv_.channels); }

  void widen(const Bf16* src, float* dst) const {
    const int64_t step = row_step();
    for (int64_t x = 0; x < count_; ++x) {
#pragma GCC unroll 2
      for (int64_t h = 0; h < kHalves; ++h) {
        _mm512_storeu_ps(dst + (x * kHalves + h) * kChannelStep, load_bf16(src + x * step + h * kChannelStep));
      }
    }
  }

  const DepthwiseConv& conv_;
  const Bf16* src_;
  float* memory_;
  int64_t row_floats_;
  int64_t first_;  ///< columns of padding on the left
  int64_t count_;  ///< columns of the source that are read
  int64_t next_ = 0;
};

template <int kHalves>
void convolve_blocks(const DepthwiseConv& conv, const Bf16* src, const float* weights, const float* bias, Bf16* dst,
                     float* scratch) {
  const RowFunction compute = row_function<kHalves>(conv);
  RowRing<kHalves> ring(conv, src, scratch);
  Row row;
  row.weights = weights;
  row.bias = bias;
  row.dst_step = padded_channels(conv.channels);
  row.width = conv.dst_w;
  row.epilogue = epilogue_of(conv.activation);
  for (int64_t y = 0; y < conv.dst_h; ++y) {
    for (int64_t ky = 0; ky < conv.kernel; ++ky) row.src[static_cast<size_t>(ky)] = ring.row(y * conv.stride + ky);
    row.dst = dst + y * conv.dst_w * row.dst_step;
    compute(row);
  }
}

}  // namespace

int64_t depthwise_scratch(const DepthwiseConv& conv) {
  return (conv.kernel + 1) * padded_width(conv) * 2 * kChannelStep;
}

void depthwise_conv(const DepthwiseConv& conv, const Bf16* src, Bf16* dst, float* scratch, int64_t begin, int64_t end) {
  const int64_t step = padded_channels(conv.channels);
  const int64_t pairs = channel_pairs(conv.channels);
  for (int64_t item = begin; item < end; ++item) {
    const int64_t channel = item % pairs * 2 * kChannelStep;
    const int64_t image = item / pairs;
    const Bf16* from = src + image * conv.src_h * conv.src_w * step + channel;
    Bf16* to = dst + image * conv.dst_h * conv.dst_w * step + channel;
    const float* weights = conv.weights + channel * conv.kernel * conv.kernel;
    if (conv.channels - channel > kChannelStep) {
      convolve_blocks<2>(conv, from, weights, conv.bias + channel, to, scratch);
    } else {
      convolve_blocks<1>(conv, from, weights, conv.bias + channel, to, scratch);
    }
  }
}

}  // namespace zoo::engine::kernels
