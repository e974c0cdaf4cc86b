// Depthwise convolutions on vectors of 256 bits. Neighbouring pixels of 16 channels are brought together channel by
// channel once, as many as `Dot` multiplies in a word (see int8_conv256.h): a "group" then serves every kernel row and
// every result that reads it. Everything has internal linkage.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "nn/engine/kernels/int8/int8_vec256.h"

namespace zoo::engine::kernels {
namespace {

/// kTaps pixels of 16 channels from `line` on, channel by channel.
template <int64_t kTaps>
inline Wholes make_group(const uint8_t* line) {
  const __m128i a = load16(line);
  const __m128i b = load16(line + kInt8Lanes);
  const __m128i low = _mm_unpacklo_epi8(a, b);
  const __m128i high = _mm_unpackhi_epi8(a, b);
  if constexpr (kTaps == 2) {
    return {_mm256_cvtepu8_epi16(low), _mm256_cvtepu8_epi16(high)};
  } else {
    const __m128i c = load16(line + 2 * kInt8Lanes);
    const __m128i d = load16(line + 3 * kInt8Lanes);
    const __m128i low_cd = _mm_unpacklo_epi8(c, d);
    const __m128i high_cd = _mm_unpackhi_epi8(c, d);
    return {_mm256_set_m128i(_mm_unpackhi_epi16(low, low_cd), _mm_unpacklo_epi16(low, low_cd)),
            _mm256_set_m128i(_mm_unpackhi_epi16(high, high_cd), _mm_unpacklo_epi16(high, high_cd))};
  }
}

/// The weights of a quad of taps, [16, 4], as one group of four taps or two of two.
template <int64_t kTaps>
inline void load_weights(const int8_t* quad, Wholes* groups) {
  if constexpr (kTaps == 4) {
    groups[0] = {load32(quad), load32(quad + 32)};
  } else {
    // Four channels' taps in 16 bits per vector; even words are taps 0 and 1, odd ones 2 and 3.
    const auto* bytes = reinterpret_cast<const uint8_t*>(quad);
    const auto wide = [&](int64_t i) { return _mm256_castsi256_ps(_mm256_cvtepi8_epi16(load16(bytes + i * 16))); };
    const auto even = [](__m256 a, __m256 b) {
      return _mm256_permute4x64_epi64(_mm256_castps_si256(_mm256_shuffle_ps(a, b, 0b10'00'10'00)), 0b11'01'10'00);
    };
    const auto odd = [](__m256 a, __m256 b) {
      return _mm256_permute4x64_epi64(_mm256_castps_si256(_mm256_shuffle_ps(a, b, 0b11'01'11'01)), 0b11'01'10'00);
    };
    groups[0] = {even(wide(0), wide(1)), even(wide(2), wide(3))};
    groups[1] = {odd(wide(0), wide(1)), odd(wide(2), wide(3))};
  }
}

template <typename Dot, int64_t kKernel, int64_t kStride, Finish kFinish, bool kTotals>
class BlockWorker {
 public:
  /// `src`, `dst`: the block's first channel of the image's first pixel.
  BlockWorker(const Int8Depthwise& op, int64_t block, const uint8_t* src, uint8_t* dst, std::byte* ring)
      : op_(op),
        src_(src),
        dst_(dst),
        ring_(reinterpret_cast<Wholes*>(ring)),
        columns_(op.dst_w + kGroupStep * (kGroups - 1)),
        ring_pitch_(columns_ + kColumns - 1),
        line_(reinterpret_cast<uint8_t*>(ring_ + kKernel * ring_pitch_)),
        epilogue_(op.epilogue, block * kInt8Lanes) {
    const int8_t* quad = op.weights + block * kKernel * kQuads * 4 * kInt8Lanes;
    for (int64_t k = 0; k < kKernel; ++k) {
      for (int64_t q = 0; q < kQuads; ++q, quad += 4 * kInt8Lanes) {
        Wholes groups[4 / kTaps];
        load_weights<kTaps>(quad, groups);
        const int64_t first = q * 4 / kTaps;
        std::copy_n(groups, std::min<int64_t>(4 / kTaps, kGroups - first), &weights_[k][first]);
      }
    }
    const __m128i zero = load16(op.zero + block * kInt8Lanes);
    for (int64_t x = 0; x < op.pad_left; ++x) store16(line_ + x * kInt8Lanes, zero);
    for (int64_t x = op.pad_left + op.src_w; x < pixels(); ++x) store16(line_ + x * kInt8Lanes, zero);
    for (int64_t x = 0; x < kTaps; ++x) store16(zeros_ + x * kInt8Lanes, zero);
  }

  /// With kTotals the sums of the results, else zero.
  Wholes run(WeightFetcher& fetcher) {
    int64_t ready = -op_.pad_top;  // source rows before this one are in the ring
    for (int64_t y = 0; y < op_.dst_h; ++y) {
      const int64_t first = y * kStride - op_.pad_top;
      ready = std::max(ready, first);
      for (; ready < first + kKernel; ++ready) fill(ready);
      fetcher.step();
      row(y, first);
    }
    return total_;
  }

 private:
  static constexpr int64_t kTaps = Dot::kTaps;
  static constexpr int64_t kQuads = int8_quads(kKernel);
  /// Of a kernel row.
  static constexpr int64_t kGroups = (kKernel + kTaps - 1) / kTaps;
  static constexpr int64_t kGroupStep = kTaps / kStride;  ///< in columns of the ring
  /// Results that are computed side by side.
  static constexpr int64_t kColumns = 4;

  /// Of a source row with its padding, as far as it is read.
  int64_t pixels() const { return (columns_ - 1) * kStride + kTaps; }
  Wholes* ring_row(int64_t y) const { return ring_ + (y + op_.pad_top) % kKernel * ring_pitch_; }

  /// The groups of a source row.
  void fill(int64_t y) const {
    Wholes* groups = ring_row(y);
    if (y < 0 || y >= op_.src_h) {
      std::fill_n(groups, columns_, make_group<kTaps>(zeros_));
      return;
    }
    const uint8_t* pixel = src_ + y * op_.src_w * op_.channels;
    uint8_t* copy = line_ + op_.pad_left * kInt8Lanes;
    for (int64_t x = 0; x < op_.src_w; ++x, pixel += op_.channels) store16(copy + x * kInt8Lanes, load16(pixel));
    for (int64_t j = 0; j < columns_; ++j) groups[j] = make_group<kTaps>(line_ + j * kStride * kInt8Lanes);
  }

  /// Sums of kColumns results from column x on, of the half of the channels that `half` takes from a vector of all.
  template <typename Half>
  [[gnu::always_inline]] std::array<__m256i, kColumns> half(const Wholes* const* rows, int64_t x, Half half) const {
    std::array<__m256i, kColumns> sums;
    sums.fill(_mm256_setzero_si256());
#pragma GCC unroll 7
    for (int64_t k = 0; k < kKernel; ++k) {
      const Wholes* groups = rows[k] + x;
#pragma GCC unroll 4
      for (int64_t g = 0; g < kGroups; ++g) {
#pragma GCC unroll 4
        for (size_t i = 0; i < kColumns; ++i) {
          sums[i] = Dot::add(sums[i], half(groups[static_cast<int64_t>(i) + g * kGroupStep]), half(weights_[k][g]));
        }
      }
    }
    return sums;
  }

  void row(int64_t y, int64_t first) {
    const Wholes* rows[kKernel];
    for (int64_t k = 0; k < kKernel; ++k) rows[k] = ring_row(first + k);
    auto* out = reinterpret_cast<std::byte*>(dst_ + y * op_.dst_w * op_.channels);
    for (int64_t x = 0; x < op_.dst_w; x += kColumns, out += kColumns * op_.channels) {
      const auto low = half(rows, x, [](const Wholes& v) { return v.low; });
      const auto high = half(rows, x, [](const Wholes& v) { return v.high; });
      const auto whole = [&](size_t i) __attribute__((always_inline)) {
        return epilogue_.to_whole(epilogue_.scaled({low[i], high[i]}));
      };
      const Bytes positions = by_position(epilogue_.limited(pack_four(whole(0), whole(1), whole(2), whole(3))));
      const int64_t count = std::min(kColumns, op_.dst_w - x);
      store_positions(positions, count, out, op_.channels);
      if constexpr (kTotals) {
        for (int64_t i = 0; i < count; ++i) {
          total_ = add(total_, load_bytes(reinterpret_cast<const uint8_t*>(out) + i * op_.channels));
        }
      }
    }
  }

  const Int8Depthwise& op_;
  const uint8_t* src_;
  uint8_t* dst_;
  Wholes* ring_;
  int64_t columns_;
  int64_t ring_pitch_;
  uint8_t* line_;  ///< a source row: 16 channels of every pixel, with the padding
  Wholes weights_[kKernel][kGroups];
  BlockEpilogue<kFinish> epilogue_;
  Wholes total_ = zero_wholes();
  uint8_t zeros_[kTaps * kInt8Lanes];  ///< pixels of padding
};

template <typename Dot, int64_t kKernel, int64_t kStride>
void depthwise_of(const Int8Depthwise& op, const uint8_t* src, uint8_t* dst, int32_t* sums, std::byte* ring,
                  int64_t begin, int64_t end) {
  const int64_t blocks = op.channels / kInt8Lanes;
  WeightFetcher fetcher = fetcher_of(op.ahead, (end - begin) * op.dst_h);
  with_finish(op.epilogue, [&]<Finish kFinish>() {
    if constexpr (kFinish != Finish::kF32) {
      for (int64_t item = begin; item < end; ++item) {
        const int64_t image = item / blocks;
        const int64_t channel = item % blocks * kInt8Lanes;
        const uint8_t* from = src + image * op.src_h * op.src_w * op.channels + channel;
        uint8_t* to = dst + image * op.dst_h * op.dst_w * op.channels + channel;
        if (sums == nullptr) {
          BlockWorker<Dot, kKernel, kStride, kFinish, false>(op, item % blocks, from, to, ring).run(fetcher);
        } else {
          BlockWorker<Dot, kKernel, kStride, kFinish, true> worker(op, item % blocks, from, to, ring);
          store_wholes(sums + image * op.channels + channel, worker.run(fetcher));
        }
      }
    }
  });
}

template <typename Dot>
void depthwise256(const Int8Depthwise& op, const uint8_t* src, uint8_t* dst, int32_t* sums, std::byte* ring,
                  int64_t begin, int64_t end) {
  const auto call = [&](auto kernel) { kernel(op, src, dst, sums, ring, begin, end); };
  if (op.kernel == 3) return call(op.stride == 1 ? depthwise_of<Dot, 3, 1> : depthwise_of<Dot, 3, 2>);
  if (op.kernel == 5) return call(op.stride == 1 ? depthwise_of<Dot, 5, 1> : depthwise_of<Dot, 5, 2>);
  return call(op.stride == 1 ? depthwise_of<Dot, 7, 1> : depthwise_of<Dot, 7, 2>);
}

}  // namespace
}  // namespace zoo::engine::kernels
