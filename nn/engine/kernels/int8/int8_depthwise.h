// Depthwise convolutions of 16 channels at a time, in the verbs of int8_vec.h or int8_vec256.h. Neighbouring pixels are
// brought together channel by channel once, as many as the set multiplies in a word: a "group" then serves every kernel
// row and every result that reads it. Everything has internal linkage.
//
// `Set` is the instruction set's part:
//   kTaps                                 pixels of a group
//   Register, kRegisters                  what Wholes are made of, and how many of them
//   add(sums, source, weights)            the products of a register of groups and one of weights added to sums
//   part<i>(wholes), join(first, second)  register i of them, and back; a second one is there where it is needed
//   group(line)                           of the kTaps pixels from `line` on
//   load_weights(quad, groups)            four taps, [16, 4], as groups
//   add_results(total, bytes, count, out, pitch)  the first `count` of four positions, also stored at `out`, added
//   kSideBySide, run_side_by_side         blocks of channels of which it computes several at once, 1: none
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <type_traits>

#include "nn/engine/kernels/int8/int8.h"

namespace zoo::engine::kernels {
namespace {

template <typename Set, int64_t kKernel, int64_t kStride, Finish kFinish, bool kTotals>
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
#pragma GCC unroll 7
    for (size_t k = 0; k < kKernel; ++k) {
#pragma GCC unroll 2
      for (size_t q = 0; q < kQuads; ++q, quad += 4 * kInt8Lanes) {
        Wholes groups[4 / kTaps];
        Set::load_weights(quad, groups);
        const size_t first = q * 4 / kTaps;
        weights_.of[k][first] = groups[0];
        if constexpr (kTaps == 2) {
          if (first + 1 < kGroups) weights_.of[k][first + 1] = groups[1];
        }
      }
    }
    const __m128i zero = load_pixel(op.zero + block * kInt8Lanes);
    for (int64_t x = 0; x < op.pad_left; ++x) store_pixel(line_ + x * kInt8Lanes, zero);
    for (int64_t x = op.pad_left + op.src_w; x < pixels(); ++x) store_pixel(line_ + x * kInt8Lanes, zero);
    for (int64_t x = 0; x < kTaps; ++x) store_pixel(zeros_ + x * kInt8Lanes, zero);
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
  using Register = typename Set::Register;

  static constexpr int64_t kTaps = Set::kTaps;
  static constexpr int64_t kQuads = int8_quads(kKernel);
  /// Of a kernel row.
  static constexpr int64_t kGroups = (kKernel + kTaps - 1) / kTaps;
  static constexpr int64_t kGroupStep = kTaps / kStride;  ///< in columns of the ring
  /// Results that are computed side by side.
  static constexpr int64_t kColumns = 4;

  struct Weights {
    Wholes of[kKernel][kGroups];
  };
  using Sums = std::array<Register, kColumns>;

  static __m128i load_pixel(const uint8_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
  static void store_pixel(uint8_t* p, __m128i v) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), v); }

  /// Of a source row with its padding, as far as it is read.
  int64_t pixels() const { return (columns_ - 1) * kStride + kTaps; }
  Wholes* ring_row(int64_t y) const { return ring_ + (y + op_.pad_top) % kKernel * ring_pitch_; }

  /// The groups of a source row.
  void fill(int64_t y) const {
    Wholes* groups = ring_row(y);
    if (y < 0 || y >= op_.src_h) {
      std::fill_n(groups, columns_, Set::group(zeros_));
      return;
    }
    const uint8_t* pixel = src_ + y * op_.src_w * op_.channels;
    uint8_t* copy = line_ + op_.pad_left * kInt8Lanes;
    for (int64_t x = 0; x < op_.src_w; ++x, pixel += op_.channels) {
      store_pixel(copy + x * kInt8Lanes, load_pixel(pixel));
    }
    for (int64_t j = 0; j < columns_; ++j) groups[j] = Set::group(line_ + j * kStride * kInt8Lanes);
  }

  /// Register kPart of the sums of kColumns results from column x on.
  template <int kPart>
  [[gnu::always_inline]] static Sums part_sums(const Wholes* const* rows, int64_t x, const Weights& weights) {
    Sums sums;
    sums.fill(Register{});
#pragma GCC unroll 7
    for (int64_t k = 0; k < kKernel; ++k) {
      const Wholes* groups = rows[k] + x;
#pragma GCC unroll 4
      for (int64_t g = 0; g < kGroups; ++g) {
#pragma GCC unroll 4
        for (size_t i = 0; i < kColumns; ++i) {
          const Wholes& group = groups[static_cast<int64_t>(i) + g * kGroupStep];
          sums[i] = Set::add(sums[i], Set::template part<kPart>(group), Set::template part<kPart>(weights.of[k][g]));
        }
      }
    }
    return sums;
  }

  void row(int64_t y, int64_t first) {
    const Wholes* rows[kKernel];
    for (int64_t k = 0; k < kKernel; ++k) rows[k] = ring_row(first + k);
    // A copy stays in registers, where there are so many.
    const std::conditional_t<Set::kRegisters == 1, Weights, const Weights&> weights = weights_;
    auto* out = reinterpret_cast<std::byte*>(dst_ + y * op_.dst_w * op_.channels);
    for (int64_t x = 0; x < op_.dst_w; x += kColumns, out += kColumns * op_.channels) {
      const Sums low = part_sums<0>(rows, x, weights);
      Sums high = low;
      if constexpr (Set::kRegisters == 2) high = part_sums<1>(rows, x, weights);
      const auto whole = [&](size_t i) __attribute__((always_inline)) {
        return epilogue_.to_whole(epilogue_.scaled(Set::join(low[i], high[i])));
      };
      const Bytes positions = by_position(epilogue_.limited(pack_four(whole(0), whole(1), whole(2), whole(3))));
      const int64_t count = std::min(kColumns, op_.dst_w - x);
      store_positions(positions, count, out, op_.channels);
      if constexpr (kTotals) total_ = Set::add_results(total_, positions, count, out, op_.channels);
    }
  }

  const Int8Depthwise& op_;
  const uint8_t* src_;
  uint8_t* dst_;
  Wholes* ring_;
  int64_t columns_;
  int64_t ring_pitch_;
  uint8_t* line_;  ///< a source row: 16 channels of every pixel, with the padding
  Weights weights_;
  BlockEpilogue<kFinish> epilogue_;
  Wholes total_ = zero_wholes();
  uint8_t zeros_[kTaps * kInt8Lanes];  ///< pixels of padding
};

template <typename Set, int64_t kKernel, int64_t kStride>
void depthwise_of(const Int8Depthwise& op, const uint8_t* src, uint8_t* dst, int32_t* sums, std::byte* ring,
                  int64_t begin, int64_t end) {
  const int64_t blocks = op.channels / kInt8Lanes;
  WeightFetcher fetcher = fetcher_of(op.ahead, (end - begin) * op.dst_h);
  with_finish(op.epilogue, [&]<Finish kFinish>() {
    if constexpr (kFinish != Finish::kF32) {
      for (int64_t item = begin; item < end;) {
        const int64_t image = item / blocks;
        const int64_t block = item % blocks;
        const uint8_t* from = src + image * op.src_h * op.src_w * op.channels;
        uint8_t* to = dst + image * op.dst_h * op.dst_w * op.channels;
        int32_t* totals = sums == nullptr ? nullptr : sums + image * op.channels;
        if constexpr (Set::kSideBySide > 1) {
          const int64_t count = std::min({Set::kSideBySide - block % Set::kSideBySide, blocks - block, end - item});
          if (count > 1) {
            Set::template run_side_by_side<kKernel, kStride, kFinish>(op, block, block + count, from, to, ring, fetcher,
                                                                      totals);
            item += count;
            continue;
          }
        }
        const int64_t channel = block * kInt8Lanes;
        if (sums == nullptr) {
          BlockWorker<Set, kKernel, kStride, kFinish, false>(op, block, from + channel, to + channel, ring)
              .run(fetcher);
        } else {
          BlockWorker<Set, kKernel, kStride, kFinish, true> worker(op, block, from + channel, to + channel, ring);
          store_wholes(totals + channel, worker.run(fetcher));
        }
        ++item;
      }
    }
  });
}

template <typename Set>
void depthwise_by_kernel(const Int8Depthwise& op, const uint8_t* src, uint8_t* dst, int32_t* sums, std::byte* ring,
                         int64_t begin, int64_t end) {
  const auto call = [&](auto kernel) { kernel(op, src, dst, sums, ring, begin, end); };
  if (op.kernel == 3) return call(op.stride == 1 ? depthwise_of<Set, 3, 1> : depthwise_of<Set, 3, 2>);
  if (op.kernel == 5) return call(op.stride == 1 ? depthwise_of<Set, 5, 1> : depthwise_of<Set, 5, 2>);
  return call(op.stride == 1 ? depthwise_of<Set, 7, 1> : depthwise_of<Set, 7, 2>);
}

}  // namespace
}  // namespace zoo::engine::kernels
