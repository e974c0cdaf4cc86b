// The int8 kernels of AVX-512 with VNNI that both of its tables have.
#pragma once

#include "nn/engine/kernels/int8/int8.h"

namespace zoo::engine::kernels::vnni {

/// int8_depthwise.cpp; see Int8Table for all of them.
void depthwise(const Int8Depthwise& op, const uint8_t* src, uint8_t* dst, int32_t* sums, std::byte* ring, int64_t begin,
               int64_t end);

/// int8_maps.cpp
void round_rows(const float* src, int64_t src_pitch, int64_t inputs, int64_t rows, int16_t* rounded, float* steps);
void mat_vec(const Int8MatVec& op, const int16_t* rounded, const float* steps, float* dst, int64_t dst_pitch,
             int64_t rows, int64_t begin, int64_t end);
void sum_positions(const uint8_t* src, int32_t* sums, int64_t area, int64_t channels, int64_t begin, int64_t end);
void rescale(const uint8_t* src, const float* factor, const float* offset, uint8_t* dst, int64_t area, int64_t channels,
             int64_t begin, int64_t end);
void map(const Int8Epilogue& op, const uint8_t* a, const uint8_t* b, uint8_t* dst, int64_t channels, int64_t begin,
         int64_t end);
void quantize_image(const Int8Image& op, const float* src, uint8_t* dst, int64_t begin, int64_t end);
void quantize(const float* src, const float* inverse_step, const float* zero, uint8_t* dst, int64_t channels,
              int64_t area, int64_t begin, int64_t end);
void dequantize(const uint8_t* src, const float* step, const float* zero, float* dst, int64_t channels, int64_t area,
                int64_t begin, int64_t end);

/// The table of a set that differs in its convolution only. Consteval: nothing compiled for this set may be left to the
/// linker's choice.
consteval Int8Table table_of(Int8Isa isa, decltype(Int8Table::conv) conv) {
  return {
      .isa = isa,
      .conv = conv,
      .depthwise = depthwise,
      .round_rows = round_rows,
      .mat_vec = mat_vec,
      .sum_positions = sum_positions,
      .rescale = rescale,
      .map = map,
      .quantize_image = quantize_image,
      .quantize = quantize,
      .dequantize = dequantize,
  };
}

}  // namespace zoo::engine::kernels::vnni
