// Convolutions on vectors of 256 bits: every word of a position, spread over the lanes, times that word's weights for
// 16 outputs. A word is 32 bits: four bytes of the source where the processor multiplies bytes (AVX-VNNI), else two of
// them in 16 bits each, made once per tile. `Dot` is the set's part:
//   kTaps                       bytes of the source in a word
//   add(sums, source, weights)  eight words of either
// Everything has internal linkage.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "nn/engine/kernels/int8/int8_vec256.h"

namespace zoo::engine::kernels {
namespace {

/// Positions that share one pass over the weights: their sums fill the registers.
constexpr int64_t kMostPositions = 6;
constexpr int64_t kWordBytes = 4;
/// Bytes of the weights of one word.
constexpr int64_t kWordWeights = kWordBytes * kInt8Lanes;

/// What the positions of a tile are multiplied from.
struct Words {
  const std::byte* first = nullptr;  ///< of the first position
  int64_t rows = 0;
  int64_t per_row = 0;
  int64_t row_pitch = 0;       ///< bytes
  int64_t position_pitch = 0;  ///< bytes
  int64_t weights_pitch = 0;   ///< bytes from one row's weights to the next one's

  int64_t weight_bytes() const { return rows * weights_pitch; }
};

/// Of the positions of a tile.
using Sums = Wholes[16];

/// The sums of the products of kCount positions, added to those that are there or in their place.
template <typename Dot, int64_t kCount, bool kAdd>
[[gnu::noinline]] void multiply_words(const Words& words, const std::byte* first, const int8_t* weights, Wholes* sums) {
  Wholes local[kCount];
#pragma GCC unroll 6
  for (int64_t p = 0; p < kCount; ++p) local[p] = kAdd ? sums[p] : zero_wholes();
  for (int64_t k = 0; k < words.rows; ++k) {
    const std::byte* word = first + k * words.row_pitch;
    const int8_t* w = weights + k * words.weights_pitch;
    for (int64_t i = 0; i < words.per_row; ++i, word += kWordBytes, w += kWordWeights) {
      const __m256i low = load32(w);
      const __m256i high = load32(w + kWordWeights / 2);
#pragma GCC unroll 6
      for (int64_t p = 0; p < kCount; ++p) {
        int32_t bits = 0;
        std::memcpy(&bits, word + p * words.position_pitch, sizeof(bits));
        const __m256i x = _mm256_set1_epi32(bits);
        local[p].low = Dot::add(local[p].low, x, low);
        local[p].high = Dot::add(local[p].high, x, high);
      }
    }
  }
#pragma GCC unroll 6
  for (int64_t p = 0; p < kCount; ++p) sums[p] = local[p];
}

template <typename Dot>
void multiply_words(int64_t count, const Words& words, const std::byte* first, const int8_t* weights, Wholes* sums) {
  constexpr decltype(&multiply_words<Dot, 1, false>) kByCount[] = {
      multiply_words<Dot, 1, false>, multiply_words<Dot, 2, false>, multiply_words<Dot, 3, false>,
      multiply_words<Dot, 4, false>, multiply_words<Dot, 5, false>, multiply_words<Dot, 6, false>};
  kByCount[count - 1](words, first, weights, sums);
}

/// The sources of neighbouring positions in 16 bits each.
class WideSource {
 public:
  /// Positions of the convolution that fit in, 0 if even one does not.
  static int64_t positions_that_fit(const Int8Conv& op) {
    int64_t count = op.rows;
    while (count > 0 && op.kernel_rows * Layout(op, count).row_pitch > kValues) --count;
    return count;
  }

  /// Of `count` positions.
  Words fill(const Int8Conv& op, const uint8_t* src, int64_t count) {
    const Layout layout(op, count);
    for (int64_t k = 0; k < op.kernel_rows; ++k) {
      for (int64_t i = 0; i < layout.pieces; ++i) {
        widen(src + k * op.row_pitch + i * op.position_pitch, layout.piece_bytes,
              values_ + k * layout.row_pitch + i * layout.piece_pitch);
      }
    }
    return words(op.kernel_rows, op.row_bytes, layout.row_pitch, layout.position_pitch);
  }

  /// Of bytes [begin, end) of a kernel row of one position, at most kValues.
  Words fill_part(const uint8_t* row, int64_t begin, int64_t end) {
    widen(row + begin, end - begin, values_);
    return words(1, end - begin, 0, 0);
  }

  static constexpr int64_t kValues = 32 * 1024;

 private:
  static constexpr int64_t kStep = 16;

  /// A kernel row of all positions is one piece where they overlap or touch, else one per position.
  struct Layout {
    Layout(const Int8Conv& op, int64_t count) {
      const bool together = op.position_pitch <= op.row_bytes;
      pieces = together ? 1 : count;
      piece_bytes = (together ? (count - 1) * op.position_pitch : 0) + op.row_bytes;
      piece_pitch = (piece_bytes + kStep - 1) / kStep * kStep;
      row_pitch = pieces * piece_pitch;
      position_pitch = together ? op.position_pitch : piece_pitch;
    }
    int64_t pieces, piece_bytes, piece_pitch, row_pitch, position_pitch;
  };

  Words words(int64_t rows, int64_t row_bytes, int64_t row_pitch, int64_t position_pitch) const {
    constexpr int64_t kValue = sizeof(int16_t);
    return {.first = reinterpret_cast<const std::byte*>(values_),
            .rows = rows,
            .per_row = row_bytes / 2,
            .row_pitch = row_pitch * kValue,
            .position_pitch = position_pitch * kValue,
            .weights_pitch = row_bytes / 2 * kWordWeights};
  }

  /// May read kStep - 1 bytes more.
  static void widen(const uint8_t* bytes, int64_t count, int16_t* values) {
    for (int64_t i = 0; i < count; i += kStep) store32(values + i, _mm256_cvtepu8_epi16(load16(bytes + i)));
  }

  alignas(32) int16_t values_[kValues];
};

/// Where a block of outputs of neighbouring positions goes.
template <Finish kFinish>
void finish_block(const Int8Conv& op, const Rows& rows, int64_t block, int64_t count, const Sums& sums) {
  const BlockEpilogue<kFinish> epilogue(op.epilogue, block * kInt8Lanes);
  const auto sum = [&](int64_t p) { return sums[p]; };
  rows.residual == nullptr ? finish_positions<kFinish, false>(epilogue, rows, count, sum)
                           : finish_positions<kFinish, true>(epilogue, rows, count, sum);
}

/// Rows for block `block` of the position that lies at `residual` and `dst`.
template <Finish kFinish>
Rows rows_of(const Int8Conv& op, const uint8_t* residual, std::byte* dst, int64_t block) {
  Rows rows = {residual == nullptr ? nullptr : residual + block * kInt8Lanes, op.residual_pitch, dst, op.dst_pitch};
  if constexpr (kFinish == Finish::kF32) {
    const int64_t first = block * kInt8Lanes / kFloatLanes;
    rows.dst += first * op.dst_block_pitch;
    rows.half_pitch = first + 1 < op.f32_blocks ? op.dst_block_pitch / static_cast<int64_t>(sizeof(float)) : 0;
  } else {
    rows.dst += block * op.dst_block_pitch;
  }
  return rows;
}

/// `count` positions that follow each other, of all blocks of outputs.
template <typename Dot, Finish kFinish>
void all_blocks(const Int8Conv& op, const Words& words, const uint8_t* residual, std::byte* dst, int64_t count) {
  const int64_t parts = (count + kMostPositions - 1) / kMostPositions;
  for (int64_t block = 0; block < op.out_blocks; ++block) {
    const int8_t* weights = op.weights + block * words.weight_bytes();
    Sums sums;
    for (int64_t part = 0; part < parts; ++part) {
      const int64_t first = count * part / parts;
      const int64_t number = count * (part + 1) / parts - first;
      multiply_words<Dot>(number, words, words.first + first * words.position_pitch, weights, sums + first);
    }
    finish_block<kFinish>(op, rows_of<kFinish>(op, residual, dst, block), block, count, sums);
  }
}

/// One position whose source is too long to be made wide at once.
template <typename Dot, Finish kFinish>
void one_long_position(const Int8Conv& op, WideSource& wide, const uint8_t* src, const uint8_t* residual,
                       std::byte* dst) {
  for (int64_t block = 0; block < op.out_blocks; ++block) {
    Sums sums;
    sums[0] = zero_wholes();
    const int8_t* weights = op.weights + block * op.kernel_rows * op.row_bytes / Dot::kTaps * kWordWeights;
    for (int64_t k = 0; k < op.kernel_rows; ++k) {
      for (int64_t i = 0; i < op.row_bytes; i += WideSource::kValues) {
        const int64_t end = std::min(i + WideSource::kValues, op.row_bytes);
        const Words words = wide.fill_part(src + k * op.row_pitch, i, end);
        multiply_words<Dot, 1, true>(words, words.first, weights, sums);
        weights += words.weight_bytes();
      }
    }
    finish_block<kFinish>(op, rows_of<kFinish>(op, residual, dst, block), block, 1, sums);
  }
}

/// Words of bytes as they lie in memory; the weights of a row are padded to whole kInt8Depth.
inline Words words_of_bytes(const Int8Conv& op, const uint8_t* src) {
  const int64_t row_blocks = op.depth_blocks() / op.kernel_rows;
  return {.first = reinterpret_cast<const std::byte*>(src),
          .rows = op.kernel_rows,
          .per_row = op.row_bytes / kWordBytes,
          .row_pitch = op.row_pitch,
          .position_pitch = op.position_pitch,
          .weights_pitch = row_blocks * kInt8Depth * kInt8Lanes};
}

template <typename Dot, Finish kFinish>
void tiles(const Int8Conv& op, const uint8_t* src, const uint8_t* residual, std::byte* dst, int64_t begin,
           int64_t end) {
  WeightFetcher fetcher = fetcher_of(op.ahead, end - begin);
  const auto residual_at = [&](int64_t t, int64_t row) {
    return residual == nullptr ? nullptr : residual + op.tiles[t].residual + row * op.residual_pitch;
  };
  if constexpr (Dot::kTaps == kWordBytes) {
    for (int64_t t = begin; t < end; ++t) {
      fetcher.step();
      const Words words = words_of_bytes(op, src + op.tiles[t].src);
      all_blocks<Dot, kFinish>(op, words, residual_at(t, 0), dst + op.tiles[t].dst, op.rows);
    }
  } else {
    WideSource wide;
    const int64_t fit = WideSource::positions_that_fit(op);
    for (int64_t t = begin; t < end; ++t) {
      fetcher.step();
      for (int64_t row = 0; row < op.rows; row += std::max<int64_t>(fit, 1)) {
        const uint8_t* from = src + op.tiles[t].src + row * op.position_pitch;
        std::byte* to = dst + op.tiles[t].dst + row * op.dst_pitch;
        if (fit == 0) {
          one_long_position<Dot, kFinish>(op, wide, from, residual_at(t, row), to);
        } else {
          const int64_t count = std::min(fit, op.rows - row);
          all_blocks<Dot, kFinish>(op, wide.fill(op, from, count), residual_at(t, row), to, count);
        }
      }
    }
  }
}

template <typename Dot>
void conv256(const Int8Conv& op, const uint8_t* src, const uint8_t* residual, std::byte* dst, int64_t begin,
             int64_t end) {
  with_finish(op.epilogue, [&]<Finish kFinish>() { tiles<Dot, kFinish>(op, src, residual, dst, begin, end); });
}

}  // namespace
}  // namespace zoo::engine::kernels
