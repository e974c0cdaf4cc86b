// Depthwise convolutions on AVX-512 VNNI. Four neighbouring pixels of 16 channels are brought together channel by
// channel once ("quad"); a quad then serves every kernel row that reads it with one instruction.
#include <algorithm>

#include "nn/engine/kernels/int8/int8_depthwise_wide.h"
#include "nn/engine/kernels/int8/int8_vec.h"

namespace zoo::engine::kernels {
namespace {

/// Results that are computed side by side.
constexpr int64_t kColumns = 4;

/// 16 channels of four pixels, pixel by pixel -> channel by channel.
inline __m512i interleave(__m512i pixels) {
  // Four channels of each pixel to each quarter of the vector, then the bytes within the quarters.
  const __m512i bytes = _mm512_broadcast_i32x4(_mm_set_epi8(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0));
  return _mm512_shuffle_epi8(by_position(pixels), bytes);
}

inline __m128i load16(const uint8_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }

inline void store16(uint8_t* p, __m128i v) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), v); }

template <int64_t kKernel, int64_t kStride, Finish kFinish>
class BlockWorker {
 public:
  /// `src`, `dst`: the block's first channel of the image's first pixel.
  BlockWorker(const Int8Depthwise& op, int64_t block, const uint8_t* src, uint8_t* dst, std::byte* ring)
      : op_(op),
        src_(src),
        dst_(dst),
        ring_(reinterpret_cast<__m512i*>(ring)),
        columns_(op.dst_w + kQuadStep * (kQuads - 1)),
        ring_pitch_(columns_ + kColumns - 1),
        line_(reinterpret_cast<uint8_t*>(ring_ + kKernel * ring_pitch_)),
        weights_(op.weights + block * kKernel * kQuads * 64),
        epilogue_(op.epilogue, block * kInt8Lanes) {
    const __m128i zero = load16(op.zero + block * kInt8Lanes);
    zero_quad_ = interleave(_mm512_broadcast_i32x4(zero));
    for (int64_t x = 0; x < op.pad_left; ++x) store16(line_ + x * kInt8Lanes, zero);
    for (int64_t x = op.pad_left + op.src_w; x < (columns_ - 1) * kStride + 4; ++x) {
      store16(line_ + x * kInt8Lanes, zero);
    }
  }

  __m512i run(WeightFetcher& fetcher) {
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
  static constexpr int64_t kQuads = int8_quads(kKernel);
  static constexpr int64_t kQuadStep = 4 / kStride;  // in columns of the ring

  __m512i* ring_row(int64_t y) const { return ring_ + (y + op_.pad_top) % kKernel * ring_pitch_; }

  /// The quads of a source row.
  void fill(int64_t y) const {
    __m512i* quads = ring_row(y);
    if (y < 0 || y >= op_.src_h) {
      std::fill_n(quads, columns_, zero_quad_);
      return;
    }
    const uint8_t* pixel = src_ + y * op_.src_w * op_.channels;
    uint8_t* copy = line_ + op_.pad_left * kInt8Lanes;
    for (int64_t x = 0; x < op_.src_w; ++x, pixel += op_.channels) store16(copy + x * kInt8Lanes, load16(pixel));
    for (int64_t j = 0; j < columns_; ++j) {
      quads[j] = interleave(_mm512_loadu_si512(line_ + j * kStride * kInt8Lanes));
    }
  }

  void row(int64_t y, int64_t first) {
    const __m512i* rows[kKernel];
    for (int64_t k = 0; k < kKernel; ++k) rows[k] = ring_row(first + k);
    __m512i weights[kKernel * kQuads];
    for (int64_t i = 0; i < kKernel * kQuads; ++i) weights[i] = _mm512_loadu_si512(weights_ + i * 64);
    auto* out = reinterpret_cast<std::byte*>(dst_ + y * op_.dst_w * op_.channels);
    for (int64_t x = 0; x < op_.dst_w; x += kColumns, out += kColumns * op_.channels) {
      __m512i sums[kColumns];
      for (int64_t i = 0; i < kColumns; ++i) sums[i] = _mm512_setzero_si512();
#pragma GCC unroll 7
      for (int64_t k = 0; k < kKernel; ++k) {
#pragma GCC unroll 2
        for (int64_t q = 0; q < kQuads; ++q) {
          const __m512i* quads = rows[k] + x + q * kQuadStep;
#pragma GCC unroll 4
          for (int64_t i = 0; i < kColumns; ++i) {
            sums[i] = _mm512_dpbusd_epi32(sums[i], quads[i], weights[k * kQuads + q]);
          }
        }
      }
      const auto whole = [&](int64_t i) { return epilogue_.to_whole(epilogue_.scaled(sums[i])); };
      const __m512i positions = by_position(epilogue_.limited(pack_four(whole(0), whole(1), whole(2), whole(3))));
      const int64_t count = std::min(kColumns, op_.dst_w - x);
      // One for each of the positions that are there: 0x01010101 without the bytes beyond `count`.
      const __m512i ones = _mm512_set1_epi32(static_cast<int32_t>(0x01010101U >> 8 * (kColumns - count)));
      total_ = _mm512_dpbusd_epi32(total_, interleave(positions), ones);
      store_positions(positions, count, out, op_.channels);
    }
  }

  const Int8Depthwise& op_;
  const uint8_t* src_;
  uint8_t* dst_;
  __m512i* ring_;
  int64_t columns_;
  int64_t ring_pitch_;
  uint8_t* line_;  ///< a source row: 16 channels of every pixel, with the padding
  const int8_t* weights_;
  BlockEpilogue<kFinish> epilogue_;
  __m512i zero_quad_ = _mm512_setzero_si512();
  __m512i total_ = _mm512_setzero_si512();
};

template <int64_t kKernel, int64_t kStride>
void depthwise_of(const Int8Depthwise& op, const uint8_t* src, uint8_t* dst, int32_t* sums, std::byte* ring,
                  int64_t begin, int64_t end) {
  const int64_t blocks = op.channels / kInt8Lanes;
  WeightFetcher fetcher = fetcher_of(op.ahead, (end - begin) * op.dst_h);
  with_finish(op.epilogue, [&]<Finish kFinish>() {
    if constexpr (kFinish != Finish::kF32) {
      constexpr int64_t kGroup = kInt8Wide / kInt8Lanes;
      for (int64_t item = begin; item < end;) {
        const int64_t image = item / blocks;
        const int64_t block = item % blocks;
        const int64_t count = std::min({kGroup - block % kGroup, blocks - block, end - item});
        const uint8_t* from = src + image * op.src_h * op.src_w * op.channels;
        uint8_t* to = dst + image * op.dst_h * op.dst_w * op.channels;
        int32_t* totals = sums == nullptr ? nullptr : sums + image * op.channels;
        if (count > 1) {
          WideWorker<kKernel, kStride, kFinish>(op, block, block + count, from, to, ring).run(fetcher, totals);
        } else {
          const int64_t channel = block * kInt8Lanes;
          BlockWorker<kKernel, kStride, kFinish> worker(op, block, from + channel, to + channel, ring);
          const __m512i total = worker.run(fetcher);
          if (sums != nullptr) _mm512_storeu_si512(totals + channel, total);
        }
        item += count;
      }
    }
  });
}

}  // namespace

namespace vnni {

void depthwise(const Int8Depthwise& op, const uint8_t* src, uint8_t* dst, int32_t* sums, std::byte* ring, int64_t begin,
               int64_t end) {
  const auto call = [&](auto kernel) { kernel(op, src, dst, sums, ring, begin, end); };
  if (op.kernel == 3) return call(op.stride == 1 ? depthwise_of<3, 1> : depthwise_of<3, 2>);
  if (op.kernel == 5) return call(op.stride == 1 ? depthwise_of<5, 1> : depthwise_of<5, 2>);
  return call(op.stride == 1 ? depthwise_of<7, 1> : depthwise_of<7, 2>);
}

}  // namespace vnni
}  // namespace zoo::engine::kernels
