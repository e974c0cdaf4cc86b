// Convolutions on AMX tiles: a tile of 16 positions by 64 channels straight from the channels-last map, times a tile of
// 64 channels by 16 outputs.
#include <algorithm>

#include "nn/engine/kernels/amx/tile_config.h"
#include "nn/engine/kernels/amx/tile_instructions.h"
#include "nn/engine/kernels/int8/int8_vec.h"

namespace zoo::engine::kernels {
namespace {

/// Sums of up to two tiles by two blocks of outputs: [tile][block][row][16].
struct alignas(64) Sums {
  int32_t values[2][2][16][16];
};

template <bool kTwoTiles, bool kTwoBlocks>
inline void multiply(const Int8Conv& op, const uint8_t* first, const uint8_t* second, const int8_t* weights, Sums& sums,
                     WeightFetcher& fetcher) {
  const int64_t block_bytes = op.depth_blocks() * kTileBytes;
  const int64_t position_pitch = op.position_pitch;
  const int64_t row_bytes = op.row_bytes;
  zero_tile<0>();
  if constexpr (kTwoBlocks) zero_tile<1>();
  if constexpr (kTwoTiles) zero_tile<2>();
  if constexpr (kTwoTiles && kTwoBlocks) zero_tile<3>();
  for (int64_t k = 0; k < op.kernel_rows; ++k) {
    for (int64_t i = 0; i < row_bytes; i += kInt8Depth) {
      load_tile<6>(weights, kTileRowBytes);
      load_tile<4>(first + i, position_pitch);
      multiply_int8_tiles<0, 4, 6>();
      if constexpr (kTwoBlocks) {
        load_tile<7>(weights + block_bytes, kTileRowBytes);
        multiply_int8_tiles<1, 4, 7>();
      }
      if constexpr (kTwoTiles) {
        load_tile<5>(second + i, position_pitch);
        multiply_int8_tiles<2, 5, 6>();
        if constexpr (kTwoBlocks) multiply_int8_tiles<3, 5, 7>();
      }
      weights += kTileBytes;
      fetcher.step();
    }
    first += op.row_pitch;
    if constexpr (kTwoTiles) second += op.row_pitch;
  }
  store_tile<0>(sums.values[0][0], kTileRowBytes);
  if constexpr (kTwoBlocks) store_tile<1>(sums.values[0][1], kTileRowBytes);
  if constexpr (kTwoTiles) store_tile<2>(sums.values[1][0], kTileRowBytes);
  if constexpr (kTwoTiles && kTwoBlocks) store_tile<3>(sums.values[1][1], kTileRowBytes);
}

/// Tiles [tile, tile + tiles) and blocks [block, block + blocks) of a convolution.
struct Part {
  int64_t tile = 0;
  int64_t tiles = 0;
  int64_t block = 0;
  int64_t blocks = 0;
};

void multiply_part(const Int8Conv& op, const uint8_t* src, const Part& part, Sums& sums, WeightFetcher& fetcher) {
  const int8_t* weights = op.weights + part.block * op.depth_blocks() * kTileBytes;
  const uint8_t* first = src + op.tiles[part.tile].src;
  if (part.tiles == 2) {
    const uint8_t* second = src + op.tiles[part.tile + 1].src;
    part.blocks == 2 ? multiply<true, true>(op, first, second, weights, sums, fetcher)
                     : multiply<true, false>(op, first, second, weights, sums, fetcher);
  } else {
    part.blocks == 2 ? multiply<false, true>(op, first, nullptr, weights, sums, fetcher)
                     : multiply<false, false>(op, first, nullptr, weights, sums, fetcher);
  }
}

/// finish_positions for two neighbouring blocks, not of Finish::kF32; sum(b, p) yields the sums of block b.
template <Finish kFinish, bool kResidual, typename Sum>
inline void finish_block_pairs(const BlockEpilogue<kFinish> (&epilogues)[2], const Rows& rows, int64_t count, Sum sum) {
  const auto whole = [&](size_t b, int64_t p) {
    __m512 x = epilogues[b].scaled(sum(b, p));
    if constexpr (kResidual) {
      const auto lane = static_cast<int64_t>(b) * kInt8Lanes;
      x = epilogues[b].add_residual(x, rows.residual + p * rows.residual_pitch + lane);
    }
    return epilogues[b].to_whole(x);
  };
  const auto store = [&](int64_t p, __m256i results) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(rows.dst + p * rows.dst_pitch), results);
  };
  for (int64_t p = 0; p < count; p += 2) {
    const int64_t next = std::min(p + 1, count - 1);
    const __m512i packed = pack_four(whole(0, p), whole(1, p), whole(0, next), whole(1, next));
    const __m512i results = by_position(epilogues[0].limited(packed));
    store(p, _mm512_castsi512_si256(results));
    if (next > p) store(next, _mm512_extracti64x4_epi64(results, 1));
  }
}

/// Two neighbouring blocks of a map in 8 bits.
template <Finish kFinish>
void finish_pair(const Int8Conv& op, const uint8_t* residual, std::byte* dst, const Part& part, const Sums& sums) {
  const int64_t channel = part.block * kInt8Lanes;
  const BlockEpilogue<kFinish> epilogues[2] = {{op.epilogue, channel}, {op.epilogue, channel + kInt8Lanes}};
  for (int64_t t = 0; t < part.tiles; ++t) {
    const Int8Tile& tile = op.tiles[part.tile + t];
    const auto sum = [blocks = sums.values[t]](size_t b, int64_t row) { return _mm512_load_si512(blocks[b][row]); };
    Rows rows = {nullptr, op.residual_pitch, dst + tile.dst + channel, op.dst_pitch};
    if (residual == nullptr) {
      finish_block_pairs<kFinish, false>(epilogues, rows, op.rows, sum);
    } else {
      rows.residual = residual + tile.residual + channel;
      finish_block_pairs<kFinish, true>(epilogues, rows, op.rows, sum);
    }
  }
}

template <Finish kFinish>
void finish_part(const Int8Conv& op, const uint8_t* residual, std::byte* dst, const Part& part, const Sums& sums) {
  if constexpr (kFinish != Finish::kF32) {
    if (part.blocks == 2) return finish_pair<kFinish>(op, residual, dst, part, sums);
  }
  for (int64_t b = 0; b < part.blocks; ++b) {
    const int64_t channel = (part.block + b) * kInt8Lanes;
    const BlockEpilogue<kFinish> epilogue(op.epilogue, channel);
    for (int64_t t = 0; t < part.tiles; ++t) {
      const Int8Tile& tile = op.tiles[part.tile + t];
      const auto sum = [rows = sums.values[t][b]](int64_t row) { return _mm512_load_si512(rows[row]); };
      Rows rows = {nullptr, op.residual_pitch, dst + tile.dst + (part.block + b) * op.dst_block_pitch, op.dst_pitch};
      if (residual == nullptr) {
        finish_positions<kFinish, false>(epilogue, rows, op.rows, sum);
      } else {
        rows.residual = residual + tile.residual + channel;
        finish_positions<kFinish, true>(epilogue, rows, op.rows, sum);
      }
    }
  }
}

/// Whether the outer loop goes over blocks of outputs rather than over positions. What the inner loop goes through is
/// read again for every step of the outer one, unless the first-level cache holds it; with the blocks outside, every
/// line of the result is fetched and written again and again, unless they all fit.
bool blocks_outside(const Int8Conv& op, int64_t tiles) {
  constexpr int64_t kCache = 24 << 10;  // half of the first-level cache of processors with AMX
  constexpr int64_t kLine = 64;
  const int64_t pairs_of_tiles = (tiles + 1) / 2;
  const int64_t pairs_of_blocks = (op.out_blocks + 1) / 2;
  const int64_t positions = tiles * op.rows;
  const int64_t src = positions * op.position_pitch;
  const int64_t weights = op.out_blocks * op.depth_blocks() * kTileBytes;
  const int64_t dst = 2 * positions * op.out_blocks * kInt8Lanes;
  const int64_t lines = positions * kLine;
  const int64_t outside =
      src * (src > kCache ? pairs_of_blocks : 1) + weights + (lines > kCache ? 2 * lines * pairs_of_blocks : dst);
  const int64_t inside = src + weights * (weights > kCache ? pairs_of_tiles : 1) + dst;
  return outside < inside;
}

/// Calls f(part) for every part of the tiles [begin, end).
template <typename F>
inline void for_each_part(const Int8Conv& op, int64_t begin, int64_t end, F f) {
  const auto visit = [&](int64_t tile, int64_t block) {
    f(Part{tile, std::min<int64_t>(2, end - tile), block, std::min<int64_t>(2, op.out_blocks - block)});
  };
  if (blocks_outside(op, end - begin)) {
    for (int64_t block = 0; block < op.out_blocks; block += 2) {
      for (int64_t tile = begin; tile < end; tile += 2) visit(tile, block);
    }
  } else {
    for (int64_t tile = begin; tile < end; tile += 2) {
      for (int64_t block = 0; block < op.out_blocks; block += 2) visit(tile, block);
    }
  }
}

void conv(const Int8Conv& op, const uint8_t* src, const uint8_t* residual, std::byte* dst, int64_t begin, int64_t end) {
  const TileScope scope({.rows = op.rows});
  with_finish(op.epilogue, [&]<Finish kFinish>() {
    // The tiles of the next part are multiplied while the vector units finish the part before.
    Sums sums[2];
    Part pending;
    int64_t count = 0;
    WeightFetcher fetcher = fetcher_of(op.ahead, (end - begin + 1) / 2 * ((op.out_blocks + 1) / 2) * op.depth_blocks());
    for_each_part(op, begin, end, [&](const Part& part) {
      multiply_part(op, src, part, sums[count % 2], fetcher);
      if (count > 0) finish_part<kFinish>(op, residual, dst, pending, sums[(count + 1) % 2]);
      pending = part;
      ++count;
    });
    if (count > 0) finish_part<kFinish>(op, residual, dst, pending, sums[(count + 1) % 2]);
  });
}

}  // namespace

extern const Int8Table kInt8AmxTable;
constinit const Int8Table kInt8AmxTable =
    vnni::table_of(Int8Isa::kAmx, {packed_int8_quads_size, pack_int8_quads, conv, vnni::depthwise});

}  // namespace zoo::engine::kernels
