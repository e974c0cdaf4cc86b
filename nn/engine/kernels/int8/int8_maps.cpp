// Everything of the int8 kernels of AVX-512 with VNNI that is no convolution.
#include "nn/engine/kernels/int8/int8_maps.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "nn/engine/kernels/int8/int8_vec.h"

namespace zoo::engine::kernels::vnni {
namespace {

constexpr int64_t kPairs = 2;

/// Limited above before the conversion, which makes the least number of all that 32 bits cannot hold.
__m512i round_to_bytes(__m512 x) {
  return _mm512_max_epi32(_mm512_cvtps_epi32(at_most(255.0F, x)), _mm512_setzero_si512());
}

void store_bytes(uint8_t* dst, __m512i whole) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(dst), _mm512_cvtepi32_epi8(whole));
}

__mmask16 first_lanes(int64_t count) {
  return static_cast<__mmask16>(count >= kInt8Lanes ? 0xFFFF : (1U << std::max<int64_t>(count, 0)) - 1U);
}

/// Rows of x that share one pass over the weights.
constexpr int64_t kRowTile = 4;

template <int64_t kRows>
void mat_vec_block(const Int8MatVec& op, const int16_t* rounded, const float* steps, float* dst, int64_t dst_pitch,
                   int64_t block) {
  const int64_t size = int8_row_size(op.inputs);
  // Few rows: independent sums hide the latency of the multiply-add.
  constexpr int64_t kSplit = kRows == 1 ? 4 : 2;
  __m512i sums[kRows][kSplit];
  for (auto& row : sums) {
    for (__m512i& sum : row) sum = _mm512_setzero_si512();
  }
  const int8_t* weights = op.weights + block * size * kInt8Lanes;
  for (int64_t i = 0; i < size; i += kPairs * kSplit) {
    for (int64_t s = 0; s < kSplit; ++s) {
      const int64_t at = i + s * kPairs;
      const auto* packed = reinterpret_cast<const __m256i*>(weights + at * kInt8Lanes);
      const __m512i w = _mm512_cvtepi8_epi16(_mm256_loadu_si256(packed));
      for (int64_t r = 0; r < kRows; ++r) {
        int32_t pair = 0;
        std::memcpy(&pair, rounded + r * size + at, sizeof(pair));
        sums[r][s] = _mm512_dpwssd_epi32(sums[r][s], _mm512_set1_epi32(pair), w);
      }
    }
  }
  const int64_t first = block * kInt8Lanes;
  const __m512 scale = _mm512_loadu_ps(op.scale + first);
  const __m512 bias = _mm512_loadu_ps(op.bias + first);
  for (int64_t r = 0; r < kRows; ++r) {
    __m512i sum = sums[r][0];
    for (int64_t s = 1; s < kSplit; ++s) sum = _mm512_add_epi32(sum, sums[r][s]);
    const __m512 factor = _mm512_mul_ps(scale, _mm512_set1_ps(steps[r]));
    const __m512 y = activate(op.activation, _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), factor, bias));
    _mm512_storeu_ps(dst + r * dst_pitch + first, _mm512_maskz_mov_ps(first_lanes(op.outputs - first), y));
  }
}

}  // namespace

void round_rows(const float* src, int64_t src_pitch, int64_t inputs, int64_t rows, int16_t* rounded, float* steps) {
  const auto limit = static_cast<float>(int8_row_limit(inputs));
  for (int64_t r = 0; r < rows; ++r) {
    const float* x = src + r * src_pitch;
    __m512 largest_lanes = _mm512_setzero_ps();
    __mmask16 not_finite = 0;
    for (int64_t i = 0; i < inputs; i += kInt8Lanes) {
      const __m512 size = _mm512_abs_ps(_mm512_maskz_loadu_ps(first_lanes(inputs - i), x + i));
      const __mmask16 beyond = _mm512_cmp_ps_mask(size, _mm512_set1_ps(std::numeric_limits<float>::max()), _CMP_NLE_UQ);
      not_finite = static_cast<__mmask16>(not_finite | beyond);
      largest_lanes = _mm512_max_ps(largest_lanes, size);
    }
    int16_t* row = rounded + r * int8_row_size(inputs);
    if (not_finite != 0) {
      steps[r] = std::numeric_limits<float>::quiet_NaN();
      std::fill_n(row, int8_row_size(inputs), int16_t{0});
      continue;
    }
    const float largest = _mm512_reduce_max_ps(largest_lanes);
    const float inverse = largest > kInt8LeastRow ? limit / largest : 0.0F;
    steps[r] = largest / limit;
    for (int64_t i = 0; i < int8_row_size(inputs); i += kInt8Lanes) {
      const __m512 v = _mm512_maskz_loadu_ps(first_lanes(inputs - i), x + i);
      const __m512i whole = _mm512_cvtps_epi32(_mm512_mul_ps(v, _mm512_set1_ps(inverse)));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(row + i), _mm512_cvtepi32_epi16(whole));
    }
  }
}

void mat_vec(const Int8MatVec& op, const int16_t* rounded, const float* steps, float* dst, int64_t dst_pitch,
             int64_t rows, int64_t begin, int64_t end) {
  const int64_t size = int8_row_size(op.inputs);
  for (int64_t block = begin; block < end; ++block) {
    int64_t row = 0;
    for (; row + kRowTile <= rows; row += kRowTile) {
      mat_vec_block<kRowTile>(op, rounded + row * size, steps + row, dst + row * dst_pitch, dst_pitch, block);
    }
    for (; row < rows; ++row) {
      mat_vec_block<1>(op, rounded + row * size, steps + row, dst + row * dst_pitch, dst_pitch, block);
    }
  }
}

void sum_positions(const uint8_t* src, int32_t* sums, int64_t area, int64_t channels, int64_t begin, int64_t end) {
  for (int64_t n = begin; n < end; ++n) {
    for (int64_t c = 0; c < channels; c += kInt8Lanes) {
      const uint8_t* position = src + n * area * channels + c;
      __m512i sum = _mm512_setzero_si512();
      for (int64_t p = 0; p < area; ++p, position += channels) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(position));
        sum = _mm512_add_epi32(sum, _mm512_cvtepu8_epi32(bytes));
      }
      _mm512_storeu_si512(sums + n * channels + c, sum);
    }
  }
}

void rescale(const uint8_t* src, const float* factor, const float* offset, uint8_t* dst, int64_t area, int64_t channels,
             int64_t begin, int64_t end) {
  for (int64_t first = begin; first < end;) {
    // Positions of one image share their factors.
    const int64_t image = first / area;
    const int64_t count = std::min(end, (image + 1) * area) - first;
    for (int64_t c = 0; c < channels; c += kInt8Lanes) {
      const __m512 factors = _mm512_loadu_ps(factor + image * channels + c);
      const __m512 offsets = _mm512_loadu_ps(offset + image * channels + c);
      const uint8_t* in = src + first * channels + c;
      auto* out = reinterpret_cast<std::byte*>(dst + first * channels + c);
      const auto whole = [&](int64_t p) {
        return _mm512_cvtps_epi32(_mm512_fmadd_ps(bytes_to_float(in + p * channels), factors, offsets));
      };
      for (int64_t p = 0; p < count; p += 4) {
        const int64_t last = count - 1;
        const __m512i packed = pack_four(whole(p), whole(std::min(p + 1, last)), whole(std::min(p + 2, last)),
                                         whole(std::min(p + 3, last)));
        store_positions(by_position(packed), count - p, out + p * channels, channels);
      }
    }
    first += count;
  }
}

void map(const Int8Epilogue& op, const uint8_t* a, const uint8_t* b, uint8_t* dst, int64_t channels, int64_t begin,
         int64_t end) {
  with_finish(op, [&]<Finish kFinish>() {
    if constexpr (kFinish != Finish::kF32) {
      for (int64_t c = 0; c < channels; c += kInt8Lanes) {
        const BlockEpilogue<kFinish> epilogue(op, c);
        const int64_t first = begin * channels + c;
        const auto sum = [&](int64_t p) {
          return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(a + first + p * channels)));
        };
        Rows rows = {nullptr, channels, reinterpret_cast<std::byte*>(dst + first), channels};
        if (b == nullptr) {
          finish_positions<kFinish, false>(epilogue, rows, end - begin, sum);
        } else {
          rows.residual = b + first;
          finish_positions<kFinish, true>(epilogue, rows, end - begin, sum);
        }
      }
    }
  });
}

void quantize_image(const Int8Image& op, const float* src, uint8_t* dst, int64_t begin, int64_t end) {
  const auto factors = [&](int64_t c) {
    return std::pair(_mm512_set1_ps(op.inverse_step[c]), _mm512_set1_ps(op.zero[c]));
  };
  const int64_t plane = op.src_h * op.src_w;
  for (int64_t row = begin; row < end; ++row) {
    const int64_t y = row % op.dst_h - op.pad_top;
    const float* line = src + row / op.dst_h * op.channels * plane + y * op.src_w;
    uint8_t* out = dst + (row - begin) * op.dst_w * 4;
    for (int64_t j = 0; j < op.dst_w; j += kInt8Lanes) {
      const int64_t x = j - op.pad_left;
      const __mmask16 lanes = first_lanes(op.dst_w - j);
      __mmask16 inside = static_cast<__mmask16>(first_lanes(op.src_w - x) & ~first_lanes(-x));
      if (y < 0 || y >= op.src_h) inside = 0;
      __m512i pixels = _mm512_setzero_si512();
      for (int64_t c = 0; c < op.channels; ++c) {
        const auto [inverse_step, zero] = factors(c);
        const __m512 v = inside == 0 ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(inside, line + c * plane + x);
        const __m512i q = round_to_bytes(_mm512_fmadd_ps(v, inverse_step, zero));
        pixels = _mm512_or_si512(pixels, _mm512_sll_epi32(q, _mm_cvtsi64_si128(8 * c)));
      }
      _mm512_mask_storeu_epi32(out + j * 4, lanes, pixels);
    }
  }
}

void quantize(const float* src, const float* inverse_step, const float* zero, uint8_t* dst, int64_t channels,
              int64_t area, int64_t begin, int64_t end) {
  const int64_t padded = int8_padded(channels);
  const int64_t blocks = padded / kInt8Lanes;
  for (int64_t item = begin; item < end; ++item) {
    const int64_t c = item % blocks * kInt8Lanes;
    const __m512 factors = _mm512_loadu_ps(inverse_step + c);
    const __m512 zeros = _mm512_loadu_ps(zero + c);
    const float* block = src + item * area * kInt8Lanes;
    uint8_t* out = dst + item / blocks * area * padded + c;
    for (int64_t p = 0; p < area; ++p) {
      store_bytes(out + p * padded,
                  round_to_bytes(_mm512_fmadd_ps(_mm512_loadu_ps(block + p * kInt8Lanes), factors, zeros)));
    }
  }
}

void dequantize(const uint8_t* src, const float* step, const float* zero, float* dst, int64_t channels, int64_t area,
                int64_t begin, int64_t end) {
  const int64_t padded = int8_padded(channels);
  const int64_t blocks = padded / kInt8Lanes;
  for (int64_t item = begin; item < end; ++item) {
    const int64_t c = item % blocks * kInt8Lanes;
    const __mmask16 lanes = first_lanes(channels - c);
    const __m512 steps = _mm512_loadu_ps(step + c);
    const __m512 zeros = _mm512_loadu_ps(zero + c);
    const uint8_t* in = src + item / blocks * area * padded + c;
    float* block = dst + item * area * kInt8Lanes;
    for (int64_t p = 0; p < area; ++p) {
      const __m512 real = _mm512_mul_ps(_mm512_sub_ps(bytes_to_float(in + p * padded), zeros), steps);
      _mm512_storeu_ps(block + p * kInt8Lanes, _mm512_maskz_mov_ps(lanes, real));
    }
  }
}

}  // namespace zoo::engine::kernels::vnni
