// Convolutions on AVX-512 VNNI, with the weights as the AMX kernels want them: every quad of channels of a position,
// spread over the lanes, times that quad's weights for 16 outputs.
#include <cstring>

#include "nn/engine/kernels/int8/int8_vec.h"

namespace zoo::engine::kernels {
namespace {

/// Positions that share one pass over the weights.
constexpr int64_t kPositions = 8;

template <int64_t kCount, int64_t kBlocks>
inline void multiply(const Int8Conv& op, const uint8_t* src, const int8_t* weights, __m512i (&sums)[kPositions][2]) {
  const int64_t block_bytes = op.depth_blocks() * kInt8Depth * kInt8Lanes;
  for (int64_t p = 0; p < kCount; ++p) {
    for (int64_t b = 0; b < kBlocks; ++b) sums[p][b] = _mm512_setzero_si512();
  }
  const int64_t row_blocks = op.depth_blocks() / op.kernel_rows;
  for (int64_t k = 0; k < op.kernel_rows; ++k) {
    const uint8_t* row = src + k * op.row_pitch;
    const int8_t* row_weights = weights + k * row_blocks * kInt8Depth * kInt8Lanes;
    for (int64_t i = 0; i < op.row_bytes; i += 4) {
      __m512i w[kBlocks];
      for (int64_t b = 0; b < kBlocks; ++b) w[b] = _mm512_loadu_si512(row_weights + i * kInt8Lanes + b * block_bytes);
      for (int64_t p = 0; p < kCount; ++p) {
        int32_t quad = 0;
        std::memcpy(&quad, row + p * op.position_pitch + i, sizeof(quad));
        for (int64_t b = 0; b < kBlocks; ++b)
          sums[p][b] = _mm512_dpbusd_epi32(sums[p][b], _mm512_set1_epi32(quad), w[b]);
      }
    }
  }
}

template <int64_t kCount, Finish kFinish>
inline void positions(const Int8Conv& op, const uint8_t* src, const uint8_t* residual, std::byte* dst, int64_t block,
                      int64_t blocks) {
  __m512i sums[kPositions][2];
  const int8_t* weights = op.weights + block * op.depth_blocks() * kInt8Depth * kInt8Lanes;
  blocks == 2 ? multiply<kCount, 2>(op, src, weights, sums) : multiply<kCount, 1>(op, src, weights, sums);
  for (int64_t b = 0; b < blocks; ++b) {
    const int64_t channel = (block + b) * kInt8Lanes;
    const BlockEpilogue<kFinish> epilogue(op.epilogue, channel);
    const auto sum = [&](int64_t p) { return sums[p][b]; };
    Rows rows = {nullptr, op.residual_pitch, dst + (block + b) * op.dst_block_pitch, op.dst_pitch};
    if (residual == nullptr) {
      finish_positions<kFinish, false>(epilogue, rows, kCount, sum);
    } else {
      rows.residual = residual + channel;
      finish_positions<kFinish, true>(epilogue, rows, kCount, sum);
    }
  }
}

template <Finish kFinish>
void tile(const Int8Conv& op, const uint8_t* src, const uint8_t* residual, std::byte* dst, int64_t block,
          int64_t blocks) {
  int64_t row = 0;
  const auto next = [&]<int64_t kCount>() {
    const uint8_t* added = residual == nullptr ? nullptr : residual + row * op.residual_pitch;
    positions<kCount, kFinish>(op, src + row * op.position_pitch, added, dst + row * op.dst_pitch, block, blocks);
    row += kCount;
  };
  while (row + kPositions <= op.rows) next.template operator()<kPositions>();
  if (row + 4 <= op.rows) next.template operator()<4>();
  while (row < op.rows) next.template operator()<1>();
}

void conv(const Int8Conv& op, const uint8_t* src, const uint8_t* residual, std::byte* dst, int64_t begin, int64_t end) {
  WeightFetcher fetcher = fetcher_of(op.ahead, (end - begin) * ((op.out_blocks + 1) / 2));
  with_finish(op.epilogue, [&]<Finish kFinish>() {
    for (int64_t block = 0; block < op.out_blocks; block += 2) {
      const int64_t blocks = block + 1 < op.out_blocks ? 2 : 1;
      for (int64_t t = begin; t < end; ++t) {
        const uint8_t* added = residual == nullptr ? nullptr : residual + op.tiles[t].residual;
        fetcher.step();
        tile<kFinish>(op, src + op.tiles[t].src, added, dst + op.tiles[t].dst, block, blocks);
      }
    }
  });
}

}  // namespace

extern const Int8Table kInt8VnniTable;
constinit const Int8Table kInt8VnniTable =
    vnni::table_of(Int8Isa::kVnni, {packed_int8_quads_size, pack_int8_quads, conv, vnni::depthwise});

}  // namespace zoo::engine::kernels
