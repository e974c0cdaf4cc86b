// Depthwise convolutions of 64 channels side by side, for the int8 kernels of AVX-512. Pixels of four rows of the
// source are brought together channel by channel ("quad"), by eight shuffles for 64 channels, and serve every row of
// the result that reads them. Everything has internal linkage.
#pragma once

#include <algorithm>
#include <array>

#include "nn/engine/kernels/int8/int8_vec.h"

namespace zoo::engine::kernels {
namespace {

/// Four rows' bytes of 64 channels -> quarter q: the four bytes of channels 16 l + 4 q + (0 to 3) in quarter l of the
/// vector. Packing the four quarters is the way back.
struct Quarters {
  __m512i q[4];
};

inline Quarters make_quarters(__m512i a, __m512i b, __m512i c, __m512i d) {
  const __m512i low_ab = _mm512_unpacklo_epi8(a, b);
  const __m512i high_ab = _mm512_unpackhi_epi8(a, b);
  const __m512i low_cd = _mm512_unpacklo_epi8(c, d);
  const __m512i high_cd = _mm512_unpackhi_epi8(c, d);
  return {{_mm512_unpacklo_epi16(low_ab, low_cd), _mm512_unpackhi_epi16(low_ab, low_cd),
           _mm512_unpacklo_epi16(high_ab, high_cd), _mm512_unpackhi_epi16(high_ab, high_cd)}};
}

/// The values of quarter `q` from an array by channel, of which the first `count` quarters of a vector exist.
inline __m512 load_quarter(const float* values, int64_t q, int64_t count) {
  alignas(64) float spread[kInt8Lanes] = {};
  for (int64_t l = 0; l < count; ++l) std::copy_n(values + l * kInt8Lanes + q * 4, 4, spread + l * 4);
  return _mm512_load_ps(spread);
}

/// Blocks [first, last) of 16 channels of one image, all of one group of 64.
template <int64_t kKernel, int64_t kStride, Finish kFinish>
class WideWorker {
 public:
  /// `src`, `dst`: the image's first pixel. `scratch` is int8_ring_bytes long.
  WideWorker(const Int8Depthwise& op, int64_t first, int64_t last, const uint8_t* src, uint8_t* dst, std::byte* scratch)
      : op_(op),
        channel_(first / kBlocks * kInt8Wide),
        skipped_((first % kBlocks) * kInt8Lanes),
        count_((last - first) * kInt8Lanes),
        present_(std::min<int64_t>(kBlocks, op.channels / kInt8Lanes - first / kBlocks * kBlocks)),
        lanes_((count_ == kInt8Wide ? ~uint64_t{0} : (uint64_t{1} << count_) - 1) << skipped_),
        src_(src + channel_),
        dst_(dst + channel_),
        columns_(((op.dst_w + kColumns - 1) / kColumns * kColumns - 1) * kStride + kKernel),
        quads_(reinterpret_cast<__m512i*>(scratch)),
        zeros_(reinterpret_cast<uint8_t*>(quads_ + columns_ * kQuads * kBlocks)),
        weights_(op.weights + int8_narrow_size(op.channels, kKernel) +
                 first / kBlocks * kBlocks * kVectors * kInt8Wide),
        epilogues_{epilogue(0), epilogue(1), epilogue(2), epilogue(3)} {
    const __m512i zero = _mm512_maskz_loadu_epi8(lanes_, op.zero + channel_);
    _mm512_storeu_si512(zeros_, zero);
    zero_quad_ = make_quarters(zero, zero, zero, zero);
  }

  /// `sums` may be null, else the image's.
  void run(WeightFetcher& fetcher, int32_t* sums) {
    for (int64_t y = 0; y < op_.dst_h; y += kRows) {
      fill(y * kStride - op_.pad_top);
      for (int64_t i = 0; i < std::min(kRows, op_.dst_h - y) * count_ / kInt8Lanes; ++i) fetcher.step();
      sums != nullptr ? rows<true>(y) : rows<false>(y);
    }
    if (sums != nullptr) store_totals(sums + channel_);
  }

 private:
  static constexpr int64_t kBlocks = kInt8Wide / kInt8Lanes;
  static constexpr int64_t kRows = int8_wide_rows(kKernel, kStride);
  static constexpr int64_t kQuads = int8_wide_quads(kKernel, kStride);
  /// Results of a row that are computed side by side; whole quads for their sums.
  static constexpr int64_t kColumns = 4;
  using Results = __m512i[kColumns][kRows];
  /// Of weights per quarter.
  static constexpr int64_t kVectors = kKernel * kQuads * kRows;

  BlockEpilogue<kFinish> epilogue(int64_t q) const {
    return BlockEpilogue<kFinish>(op_.epilogue,
                                  [&](const float* values) { return load_quarter(values + channel_, q, present_); });
  }

  /// The quads of the source's rows from `first` on.
  void fill(int64_t first) {
    constexpr int64_t kSourceRows = 4 * kQuads;
    std::array<const uint8_t*, kSourceRows> rows;
    std::array<int64_t, kSourceRows> steps;
    for (int64_t r = 0; r < kSourceRows; ++r) {
      const bool inside = first + r >= 0 && first + r < op_.src_h;
      rows[static_cast<size_t>(r)] = inside ? src_ + (first + r) * op_.src_w * op_.channels : zeros_;
      steps[static_cast<size_t>(r)] = inside ? op_.channels : 0;
    }
    __m512i* to = quads_;
    const auto pad = [&](int64_t count) {
      for (int64_t i = 0; i < count * kQuads; ++i, to += kBlocks) store(to, zero_quad_);
    };
    const int64_t inner = std::min(op_.src_w, columns_ - op_.pad_left);
    pad(op_.pad_left);
    for (int64_t x = 0; x < inner; ++x) {
#pragma GCC unroll 2
      for (size_t v = 0; v < kQuads; ++v, to += kBlocks) {
        __m512i bytes[4];
#pragma GCC unroll 4
        for (size_t i = 0; i < 4; ++i) {
          bytes[i] = _mm512_maskz_loadu_epi8(lanes_, rows[4 * v + i]);
          rows[4 * v + i] += steps[4 * v + i];
        }
        store(to, make_quarters(bytes[0], bytes[1], bytes[2], bytes[3]));
      }
    }
    pad(columns_ - op_.pad_left - inner);
  }

  static void store(__m512i* to, const Quarters& quarters) {
    for (int64_t q = 0; q < kBlocks; ++q) to[q] = quarters.q[q];
  }

  /// Rows [y, y + kRows) of the result.
  template <bool kSums>
  void rows(int64_t y) {
    for (int64_t x = 0; x < op_.dst_w; x += kColumns) {
      const __m512i* quads = quads_ + x * kStride * kQuads * kBlocks;
      Results low;
      Results high;
      half<0>(quads, low);
      half<2>(quads, high);
      __m512i results[kRows * kColumns];
#pragma GCC unroll 2
      for (int64_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
        for (int64_t i = 0; i < kColumns; ++i) {
          __m512i& result = results[r * kColumns + i];
          result = epilogues_[0].limited(_mm512_packus_epi16(low[i][r], high[i][r]));
          if (x + i < op_.dst_w && y + r < op_.dst_h) {
            _mm512_mask_storeu_epi8(dst_ + ((y + r) * op_.dst_w + x + i) * op_.channels, lanes_, result);
          } else {
            result = _mm512_setzero_si512();
          }
        }
      }
      if constexpr (kSums) {
        const __m512i ones = _mm512_set1_epi8(1);
        for (int64_t i = 0; i < kRows * kColumns; i += 4) {
          const Quarters quarters = make_quarters(results[i], results[i + 1], results[i + 2], results[i + 3]);
          for (int64_t q = 0; q < kBlocks; ++q) totals_[q] = _mm512_dpbusd_epi32(totals_[q], quarters.q[q], ones);
        }
      }
    }
  }

  /// Quarters kFirst and kFirst + 1, whole numbers in 16 bits.
  template <size_t kFirst>
  void half(const __m512i* quads, Results& packed) const {
    Results whole;
    quarter<kFirst>(quads, whole);
    quarter<kFirst + 1>(quads, packed);
#pragma GCC unroll 4
    for (int64_t i = 0; i < kColumns; ++i) {
#pragma GCC unroll 2
      for (int64_t r = 0; r < kRows; ++r) packed[i][r] = _mm512_packs_epi32(whole[i][r], packed[i][r]);
    }
  }

  /// Whole numbers of quarter kQuarter.
  template <size_t kQuarter>
  void quarter(const __m512i* quads, Results& whole) const {
    Results sums;
    for (auto& column : sums) std::fill_n(column, kRows, _mm512_setzero_si512());
    const __m512i* from = quads + kQuarter;
    const int8_t* weights = weights_ + kQuarter * kVectors * kInt8Wide;
#pragma GCC unroll 1
    for (int64_t t = 0; t < kKernel; ++t, from += kQuads * kBlocks, weights += kQuads * kRows * kInt8Wide) {
      // Else the compiler keeps what it has loaded for later, for which the registers have no room.
      asm("" : "+r"(from), "+r"(weights));
#pragma GCC unroll 2
      for (int64_t v = 0; v < kQuads; ++v) {
#pragma GCC unroll 4
        for (int64_t i = 0; i < kColumns; ++i) {
          const __m512i quad = from[(i * kStride * kQuads + v) * kBlocks];
#pragma GCC unroll 2
          for (int64_t r = 0; r < kRows; ++r) {
            const __m512i weight = _mm512_loadu_si512(weights + (v * kRows + r) * kInt8Wide);
            sums[i][r] = _mm512_dpbusd_epi32(sums[i][r], quad, weight);
          }
        }
      }
    }
    const BlockEpilogue<kFinish>& epilogue = epilogues_[kQuarter];
#pragma GCC unroll 4
    for (int64_t i = 0; i < kColumns; ++i) {
#pragma GCC unroll 2
      for (int64_t r = 0; r < kRows; ++r) whole[i][r] = epilogue.to_whole(epilogue.scaled(sums[i][r]));
    }
  }

  void store_totals(int32_t* sums) const {
    for (int64_t q = 0; q < kBlocks; ++q) {
      alignas(64) int32_t values[kInt8Lanes];
      _mm512_store_si512(values, totals_[q]);
      for (int64_t l = skipped_ / kInt8Lanes; l < (skipped_ + count_) / kInt8Lanes; ++l) {
        std::copy_n(values + l * 4, 4, sums + l * kInt8Lanes + q * 4);
      }
    }
  }

  const Int8Depthwise& op_;
  int64_t channel_;  ///< first of the group
  int64_t skipped_;  ///< channels of the group before the blocks
  int64_t count_;    ///< channels of the blocks
  int64_t present_;  ///< blocks that the group has
  __mmask64 lanes_;
  const uint8_t* src_;  ///< the group's first channel of the image's first pixel
  uint8_t* dst_;
  int64_t columns_;  ///< of the source with padding that results read
  __m512i* quads_;   ///< [column, quad, quarter]
  uint8_t* zeros_;   ///< a pixel of padding
  const int8_t* weights_;
  std::array<BlockEpilogue<kFinish>, 4> epilogues_;
  Quarters zero_quad_;
  __m512i totals_[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
};

}  // namespace
}  // namespace zoo::engine::kernels
