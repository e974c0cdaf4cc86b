// Padding, unfolding, means, gates, sums and matrix-vector products of bf16 networks: all bound by memory.
#include <algorithm>
#include <array>
#include <cstring>

#include "nn/engine/kernels/bf16/bf16.h"
#include "nn/engine/kernels/bf16/bf16_vec.h"

namespace zoo::engine::kernels {
namespace {

/// Bytes that a matrix-vector product asks for ahead of their use: what the L3 delivers in its latency.
constexpr int64_t kPrefetchBytes = 4096;

/// The even and the odd ones of 32 values, widened.
inline __m512 even_values(__m512i pairs) { return _mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16)); }
inline __m512 odd_values(__m512i pairs) {
  return _mm512_castsi512_ps(_mm512_and_si512(pairs, _mm512_set1_epi32(static_cast<int>(0xFFFF0000U))));
}

/// 16 planar values per channel into 16 pixels.
inline void interleave_pixels(const std::array<__m512, kPixelChannels>& planes, Bf16* dst, __mmask16 valid) {
  const auto halves = [](__m512 v) {
    const __m256bh rounded = _mm512_cvtneps_pbh(v);
    return _mm512_cvtepu16_epi32(reinterpret_cast<const __m256i&>(rounded));
  };
  // Two channels per 32-bit lane, then four per 64-bit lane.
  const __m512i first = _mm512_or_si512(halves(planes[0]), _mm512_slli_epi32(halves(planes[1]), 16));
  const __m512i second = _mm512_or_si512(halves(planes[2]), _mm512_slli_epi32(halves(planes[3]), 16));
  const __m512i low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const __m512i high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  const auto low_mask = static_cast<__mmask8>(valid & 0xFFU);
  const auto high_mask = static_cast<__mmask8>(valid >> 8);
  _mm512_mask_storeu_epi64(dst, low_mask, _mm512_permutex2var_epi32(first, low, second));
  _mm512_mask_storeu_epi64(dst + 8 * kPixelChannels, high_mask, _mm512_permutex2var_epi32(first, high, second));
}

inline __mmask16 first_lanes(int64_t count) {
  return static_cast<__mmask16>(count >= kChannelStep ? 0xFFFF : (1 << count) - 1);
}

constexpr int64_t kRowValues = UnfoldImage::kKernel * UnfoldImage::kChannels;

/// Pixels of an image's row that are unfolded at a time.
constexpr int64_t kUnfoldedPixels = 288;

/// Pixels of one row, their channels next to each other, with room for what a store writes too much.
struct PixelLine {
  alignas(64) std::array<Bf16, UnfoldImage::kChannels * kUnfoldedPixels + 64> values;
};

/// Where the channels of 16 pixels lie in 32 values of the first two and 16 of the third: values [first, first + 32) of
/// the pixels.
__m512i lanes_of_pixels(int first) {
  alignas(64) std::array<uint16_t, 32> lanes;
  for (size_t i = 0; i < lanes.size(); ++i) {
    const size_t value = static_cast<size_t>(first) + i;
    lanes[i] = static_cast<uint16_t>(value % 3 * 16 + value / 3 % 16);
  }
  return _mm512_load_si512(lanes.data());
}

/// Joins the channels of pixels [x, x + pixels) of row y, zeros outside of the image.
class PixelJoiner {
 public:
  PixelJoiner(const UnfoldImage& op, const float* image) : op_(op), image_(image) {}

  void join(int64_t y, int64_t x, int64_t pixels, PixelLine& line) const {
    Bf16* to = line.values.data();
    const bool is_row = y >= 0 && y < op_.h;
    const int64_t before = is_row ? std::clamp<int64_t>(-x, 0, pixels) : pixels;
    const int64_t inside = is_row ? std::clamp<int64_t>(op_.w - std::max<int64_t>(x, 0), 0, pixels - before) : 0;
    zero(to, before);
    to += before * UnfoldImage::kChannels;
    if (inside > 0) {
      const float* from = image_ + y * op_.w + x + before;
      for (int64_t i = 0; i < inside; i += kChannelStep) {
        join_16(from + i, first_lanes(inside - i), to + i * UnfoldImage::kChannels);
      }
    }
    zero(to + inside * UnfoldImage::kChannels, pixels - before - inside);
  }

 private:
  static void zero(Bf16* to, int64_t pixels) {
    std::memset(to, 0, static_cast<size_t>(pixels * UnfoldImage::kChannels) * sizeof(Bf16));
  }

  void join_16(const float* from, __mmask16 valid, Bf16* to) const {
    const int64_t plane = op_.h * op_.w;
    const __m512 red = _mm512_maskz_loadu_ps(valid, from);
    const __m512 green = _mm512_maskz_loadu_ps(valid, from + plane);
    const __m512 blue = _mm512_maskz_loadu_ps(valid, from + 2 * plane);
    const __m512bh two = _mm512_cvtne2ps_pbh(green, red);
    const __m512bh third = _mm512_cvtne2ps_pbh(blue, blue);
    const auto& first = reinterpret_cast<const __m512i&>(two);
    const auto& second = reinterpret_cast<const __m512i&>(third);
    _mm512_storeu_si512(to, _mm512_permutex2var_epi16(first, low_, second));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + 32),
                        _mm512_castsi512_si256(_mm512_permutex2var_epi16(first, high_, second)));
  }

  const UnfoldImage& op_;
  const float* image_;
  __m512i low_ = lanes_of_pixels(0);
  __m512i high_ = lanes_of_pixels(32);
};

/// Rows of x that share one pass over the weights.
constexpr int64_t kRowTile = 4;

/// kRows rows of the result in kBlocks neighbouring blocks, read as so many streams: several are faster than one. Every
/// sum is split in kSplit, and those in even and odd inputs: independent sums hide the latency of the multiply-add.
template <int kRows, int kBlocks, int kSplit>
void mat_vec_tile(const Bf16MatVec& op, const float* src, int64_t src_stride, float* dst, int64_t dst_stride,
                  int64_t block) {
  constexpr int kSums = kBlocks * kSplit;
  const int64_t pairs = (op.inputs + 1) / 2;
  const int64_t stride = pairs * kChannelStep * 2;
  const Bf16* weights = op.weights + block * stride;
  __m512 even[kRows][kSums];
  __m512 odd[kRows][kSums];
  for (int r = 0; r < kRows; ++r) {
    for (int s = 0; s < kSums; ++s) even[r][s] = odd[r][s] = _mm512_setzero_ps();
  }
  const auto add = [&](int64_t pair, int split) {
#pragma GCC unroll 4
    for (int b = 0; b < kBlocks; ++b) {
      const Bf16* at = weights + b * stride + pair * kChannelStep * 2;
      __builtin_prefetch(reinterpret_cast<const char*>(at) + kPrefetchBytes);
      const __m512i values = _mm512_loadu_si512(at);
      const __m512 w0 = even_values(values);
      const __m512 w1 = odd_values(values);
      const int sum = b * kSplit + split;
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) {
        even[r][sum] = _mm512_fmadd_ps(w0, _mm512_set1_ps(src[r * src_stride + pair * 2]), even[r][sum]);
        odd[r][sum] = _mm512_fmadd_ps(w1, _mm512_set1_ps(src[r * src_stride + pair * 2 + 1]), odd[r][sum]);
      }
    }
  };
  int64_t pair = 0;
  for (; pair + kSplit <= pairs; pair += kSplit) {
#pragma GCC unroll 4
    for (int s = 0; s < kSplit; ++s) add(pair + s, s);
  }
  for (; pair < pairs; ++pair) add(pair, 0);
  for (int r = 0; r < kRows; ++r) {
    for (int b = 0; b < kBlocks; ++b) {
      const int64_t channel = (block + b) * kChannelStep;
      __m512 sum = _mm512_loadu_ps(op.bias + channel);
      for (int s = b * kSplit; s < (b + 1) * kSplit; ++s) {
        sum = _mm512_add_ps(sum, _mm512_add_ps(even[r][s], odd[r][s]));
      }
      with_activation(op.activation.kind,
                      [&](auto kind) { sum = activate<decltype(kind)::value>(sum, op.activation.slope); });
      sum = _mm512_maskz_mov_ps(first_lanes(op.outputs - channel), sum);
      _mm512_storeu_ps(dst + r * dst_stride + channel, sum);
    }
  }
}

/// All rows in as many of the blocks [begin, end) as go in groups of kBlocks; returns the first that is left.
template <int kBlocks>
int64_t mat_vec_blocks(const Bf16MatVec& op, const float* src, int64_t src_stride, float* dst, int64_t dst_stride,
                       int64_t rows, int64_t begin, int64_t end) {
  int64_t block = begin;
  for (; block + kBlocks <= end; block += kBlocks) {
    int64_t row = 0;
    for (; row + kRowTile <= rows; row += kRowTile) {
      mat_vec_tile<kRowTile, kBlocks, 1>(op, src + row * src_stride, src_stride, dst + row * dst_stride, dst_stride,
                                         block);
    }
    for (; row < rows; ++row) {
      mat_vec_tile<1, kBlocks, 4 / kBlocks>(op, src + row * src_stride, src_stride, dst + row * dst_stride, dst_stride,
                                            block);
    }
  }
  return block;
}

}  // namespace

void pad_image(const PadImage& op, const float* src, Bf16* dst, int64_t begin, int64_t end) {
  const int64_t row = op.padded_w * kPixelChannels;
  for (int64_t item = begin; item < end; ++item) {
    Bf16* to = dst + (item - begin) * row;
    const int64_t y = item % op.padded_h - op.pad_top;
    if (y < 0 || y >= op.h) {
      std::memset(to, 0, static_cast<size_t>(row) * sizeof(Bf16));
      continue;
    }
    const float* from = src + (item / op.padded_h * op.channels * op.h + y) * op.w;
    const int64_t used = std::min(op.w, op.padded_w - op.pad_left);
    std::memset(to, 0, static_cast<size_t>(op.pad_left * kPixelChannels) * sizeof(Bf16));
    Bf16* inside = to + op.pad_left * kPixelChannels;
    for (int64_t x = 0; x < used; x += kChannelStep) {
      const __mmask16 valid = first_lanes(used - x);
      std::array<__m512, kPixelChannels> planes{};
      for (int64_t c = 0; c < op.channels; ++c) {
        planes[static_cast<size_t>(c)] = _mm512_maskz_loadu_ps(valid, from + c * op.h * op.w + x);
      }
      interleave_pixels(planes, inside + x * kPixelChannels, valid);
    }
    const int64_t after = row - (op.pad_left + used) * kPixelChannels;
    std::memset(to + row - after, 0, static_cast<size_t>(after) * sizeof(Bf16));
  }
}

void unfold_image(const UnfoldImage& op, const float* src, Bf16* dst, int64_t begin, int64_t end) {
  constexpr int64_t kKernel = UnfoldImage::kKernel;
  constexpr int64_t kLast = (kKernel - 1) * kRowValues;
  constexpr auto kValues = static_cast<__mmask16>((1U << kRowValues) - 1);
  constexpr auto kRest = static_cast<__mmask16>((1U << (kTileDepth - kLast)) - 1);
  const int64_t step = op.stride_w * UnfoldImage::kChannels;
  const int64_t positions = (kUnfoldedPixels - kKernel) / op.stride_w + 1;
  std::array<PixelLine, kKernel> lines;
  for (int64_t item = begin; item < end; ++item) {
    const PixelJoiner joiner(op, src + item / op.dst_h * UnfoldImage::kChannels * op.h * op.w);
    const int64_t y = item % op.dst_h * op.stride_h - op.pad_top;
    for (int64_t first = 0; first < op.dst_w; first += positions) {
      const int64_t count = std::min(positions, op.dst_w - first);
      for (int64_t row = 0; row < kKernel; ++row) {
        joiner.join(y + row, first * op.stride_w - op.pad_left, (count - 1) * op.stride_w + kKernel,
                    lines[static_cast<size_t>(row)]);
      }
      const auto values = [&](size_t row, int64_t position) {
        return _mm256_maskz_loadu_epi16(kValues, lines[row].values.data() + position * step);
      };
      Bf16* to = dst + ((item - begin) * op.dst_w + first) * kTileDepth;
      for (int64_t p = 0; p < count; ++p, to += kTileDepth) {
        // Each writes zeros behind its values, which the next one replaces.
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), values(0, p));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + kRowValues), values(1, p));
        _mm256_mask_storeu_epi16(to + kLast, kRest, values(2, p));
      }
    }
  }
}

void pad_rows(const PadImage& op, const Bf16* src, Bf16* dst, int64_t begin, int64_t end) {
  const int64_t row = op.padded_w * op.channels;
  const int64_t used = std::min(op.w, op.padded_w - op.pad_left) * op.channels;
  const int64_t before = op.pad_left * op.channels;
  for (int64_t item = begin; item < end; ++item) {
    Bf16* to = dst + (item - begin) * row;
    const int64_t y = item % op.padded_h - op.pad_top;
    if (y < 0 || y >= op.h) {
      std::memset(to, 0, static_cast<size_t>(row) * sizeof(Bf16));
      continue;
    }
    const Bf16* from = src + (item / op.padded_h * op.h + y) * op.w * op.channels;
    std::memset(to, 0, static_cast<size_t>(before) * sizeof(Bf16));
    std::memcpy(to + before, from, static_cast<size_t>(used) * sizeof(Bf16));
    std::memset(to + before + used, 0, static_cast<size_t>(row - before - used) * sizeof(Bf16));
  }
}

void mean_bf16(const Bf16* src, float* dst, int64_t channels, int64_t area, int64_t begin, int64_t end) {
  const int64_t row = channel_pitch(channels);
  const int64_t blocks = (channels + kChannelStep - 1) / kChannelStep;
  const int64_t pairs = channel_pairs(channels);
  const __m512 scale = _mm512_set1_ps(1.0F / static_cast<float>(area));
  for (int64_t item = begin; item < end; ++item) {
    const int64_t block = item % pairs * 2;
    const Bf16* from = src + item / pairs * area * row + block * kChannelStep;
    float* to = dst + (item / pairs * blocks + block) * kChannelStep;
    const bool both = block + 1 < blocks;
    // Without a second block the row still has its zeros, unless it is half a cache line.
    const int64_t second = both ? kChannelStep : 0;
    std::array<__m512, 4> sums{};
    int64_t p = 0;
    for (; p + 2 <= area; p += 2) {
      const Bf16* at = from + p * row;
      sums[0] = _mm512_add_ps(sums[0], load_bf16(at));
      sums[1] = _mm512_add_ps(sums[1], load_bf16(at + second));
      sums[2] = _mm512_add_ps(sums[2], load_bf16(at + row));
      sums[3] = _mm512_add_ps(sums[3], load_bf16(at + row + second));
    }
    if (p < area) {
      sums[0] = _mm512_add_ps(sums[0], load_bf16(from + p * row));
      sums[1] = _mm512_add_ps(sums[1], load_bf16(from + p * row + second));
    }
    _mm512_storeu_ps(to, _mm512_mul_ps(_mm512_add_ps(sums[0], sums[2]), scale));
    if (both) _mm512_storeu_ps(to + kChannelStep, _mm512_mul_ps(_mm512_add_ps(sums[1], sums[3]), scale));
  }
}

void scale_bf16(const Bf16* src, const float* gate, Bf16* dst, int64_t channels, int64_t area, int64_t begin,
                int64_t end) {
  const int64_t row = channel_pitch(channels);
  const int64_t padded = padded_channels(channels);
  const int64_t gate_row = (channels + kChannelStep - 1) / kChannelStep * kChannelStep;
  for (int64_t item = begin; item < end; ++item) {
    const float* factors = gate + item / area * gate_row;
    for (int64_t c = 0; c < gate_row; c += kChannelStep) {
      const int64_t at = item * row + c;
      store_bf16(dst + at, _mm512_mul_ps(load_bf16(src + at), _mm512_loadu_ps(factors + c)));
    }
    if (gate_row < padded && dst != src) store_bf16(dst + item * row + gate_row, _mm512_setzero_ps());
  }
}

void map_bf16(const Bf16* src, const Bf16* other, Bf16* dst, ResolvedActivation f, int64_t channels, int64_t begin,
              int64_t end) {
  const int64_t row = channel_pitch(channels);
  const int64_t padded = padded_channels(channels);
  with_activation(f.kind, [&](auto kind) {
    for (int64_t item = begin; item < end; ++item) {
      for (int64_t c = 0; c < padded; c += kChannelStep) {
        const int64_t at = item * row + c;
        __m512 v = load_bf16(src + at);
        if (other != nullptr) v = _mm512_add_ps(v, load_bf16(other + at));
        v = activate<decltype(kind)::value>(v, f.slope);
        if constexpr (!keeps_zero(decltype(kind)::value)) {
          v = _mm512_maskz_mov_ps(first_lanes(std::max<int64_t>(0, channels - c)), v);
        }
        store_bf16(dst + at, v);
      }
    }
  });
}

void mat_vec_bf16(const Bf16MatVec& op, const float* src, int64_t src_stride, float* dst, int64_t dst_stride,
                  int64_t rows, int64_t begin, int64_t end) {
  // More rows leave fewer registers for blocks.
  const auto groups = rows < kRowTile ? mat_vec_blocks<4> : mat_vec_blocks<2>;
  const int64_t rest = groups(op, src, src_stride, dst, dst_stride, rows, begin, end);
  mat_vec_blocks<1>(op, src, src_stride, dst, dst_stride, rows, rest, end);
}

}  // namespace zoo::engine::kernels
