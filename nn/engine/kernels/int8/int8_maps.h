// The functions of the int8 kernels that the tables of one vector width share. ZOO_INT8_NAMESPACE is theirs; the vector
// headers define it and include this file.
#pragma once

#include "nn/engine/kernels/int8/int8.h"

namespace zoo::engine::kernels::ZOO_INT8_NAMESPACE {

/// int8_vec_maps.inc; see Int8Table for all of them.
void round_rows(const float* src, int64_t src_pitch, int64_t inputs, int64_t rows, int16_t* rounded, float* steps);
void mat_vec(const Int8MatVec& op, const int16_t* rounded, const float* steps, float* dst, int64_t dst_pitch,
             int64_t rows, int64_t begin, int64_t end);
void sum_positions(const uint8_t* src, int32_t* sums, int64_t area, int64_t channels, int64_t begin, int64_t end);
void rescale(const uint8_t* src, const float* factor, const float* offset, uint8_t* dst, int64_t area, int64_t channels,
             int64_t begin, int64_t end);
void map(const Int8Epilogue& op, const uint8_t* a, const uint8_t* b, uint8_t* dst, int64_t channels, int64_t begin,
         int64_t end);
void quantize_image(const Int8Image& op, const float* src, uint8_t* dst, int64_t begin, int64_t end);
void quantize(const Int8Blocked& map, const float* src, const float* inverse_step, const float* zero, uint8_t* dst,
              int64_t begin, int64_t end);
void dequantize(const Int8Blocked& map, const uint8_t* src, const float* step, const float* zero, float* dst,
                int64_t begin, int64_t end);

/// What sets of one vector width differ in.
struct Convolutions {
  decltype(Int8Table::packed_conv_size) packed_conv_size;
  decltype(Int8Table::pack_conv) pack_conv;
  decltype(Int8Table::conv) conv;
  decltype(Int8Table::depthwise) depthwise;
};

/// The table of a set. Consteval: nothing compiled for this set may be left to the linker's choice.
consteval Int8Table table_of(Int8Isa isa, const Convolutions& own) {
  return {
      .isa = isa,
      .packed_conv_size = own.packed_conv_size,
      .pack_conv = own.pack_conv,
      .conv = own.conv,
      .depthwise = own.depthwise,
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

}  // namespace zoo::engine::kernels::ZOO_INT8_NAMESPACE
