#include "nn/engine/kernels/int8/int8.h"

#include <algorithm>
#include <limits>

namespace zoo::engine::kernels {

extern const Int8Table kInt8ReferenceTable;
extern const Int8Table kInt8VnniTable;
extern const Int8Table kInt8AmxTable;

const Int8Table& int8_table(Int8Isa isa) {
  switch (isa) {
    case Int8Isa::kAmx:
      return kInt8AmxTable;
    case Int8Isa::kVnni:
      return kInt8VnniTable;
    case Int8Isa::kReference:
      break;
  }
  return kInt8ReferenceTable;
}

int64_t packed_int8_conv_size(int64_t out_channels, int64_t kernel_rows, int64_t row_bytes) {
  return int8_padded(out_channels) * kernel_rows * ((row_bytes + kInt8Depth - 1) / kInt8Depth * kInt8Depth);
}

void pack_int8_conv(const int8_t* weights, int64_t out_channels, int64_t kernel_rows, int64_t row_bytes,
                    int8_t* packed) {
  const int64_t row_blocks = (row_bytes + kInt8Depth - 1) / kInt8Depth;
  std::fill_n(packed, packed_int8_conv_size(out_channels, kernel_rows, row_bytes), int8_t{0});
  for (int64_t o = 0; o < out_channels; ++o) {
    for (int64_t row = 0; row < kernel_rows; ++row) {
      const int64_t first_block = (o / kInt8Lanes * kernel_rows + row) * row_blocks;
      const int8_t* source = weights + (o * kernel_rows + row) * row_bytes;
      for (int64_t i = 0; i < row_bytes; i += 4) {
        const int64_t quad = (first_block + i / kInt8Depth) * (kInt8Depth / 4) + i % kInt8Depth / 4;
        std::copy_n(source + i, 4, packed + (quad * kInt8Lanes + o % kInt8Lanes) * 4);
      }
    }
  }
}

int64_t packed_int8_depthwise_size(int64_t channels, int64_t kernel, int64_t stride) {
  const int64_t groups = (channels + kInt8Wide - 1) / kInt8Wide;
  return int8_narrow_size(channels, kernel) +
         groups * kernel * int8_wide_quads(kernel, stride) * int8_wide_rows(kernel, stride) * kInt8Wide * 4;
}

void pack_int8_depthwise(const int8_t* weights, int64_t channels, int64_t kernel, int64_t stride, int8_t* packed) {
  std::fill_n(packed, packed_int8_depthwise_size(channels, kernel, stride), int8_t{0});
  const int64_t quads = int8_quads(kernel);
  const int64_t wide_quads = int8_wide_quads(kernel, stride);
  const int64_t wide_rows = int8_wide_rows(kernel, stride);
  int8_t* wide = packed + int8_narrow_size(channels, kernel);
  for (int64_t c = 0; c < channels; ++c) {
    const int64_t lane = c % kInt8Wide / kInt8Lanes * 4 + c % 4;
    const int64_t quarter = c / kInt8Wide * 4 + c % kInt8Lanes / 4;
    for (int64_t tap = 0; tap < kernel * kernel; ++tap) {
      const int8_t weight = weights[c * kernel * kernel + tap];
      const int64_t row = tap / kernel;
      const int64_t column = tap % kernel;
      const int64_t vector = (c / kInt8Lanes * kernel + row) * quads + column / 4;
      packed[(vector * kInt8Lanes + c % kInt8Lanes) * 4 + column % 4] = weight;
      for (int64_t r = 0; r < wide_rows; ++r) {
        const int64_t src_row = r * stride + row;
        const int64_t at = ((quarter * kernel + column) * wide_quads + src_row / 4) * wide_rows + r;
        wide[(at * kInt8Lanes + lane) * 4 + src_row % 4] = weight;
      }
    }
  }
}

int64_t int8_ring_bytes(const Int8Depthwise& op) {
  // A quad of pixels of 16 channels for every column that a row of results reads; results are made four at a time.
  const int64_t columns = op.dst_w + 4 / op.stride * (int8_quads(op.kernel) - 1) + 3;
  // One row of the source, 16 channels of a pixel after the other, with its padding.
  const int64_t pixels = std::max(op.pad_left + op.src_w, (columns - 1) * op.stride + 4);
  const int64_t narrow = op.kernel * columns * 64 + pixels * kInt8Lanes;
  // The quads of every column that results of 64 channels read, and a padding pixel.
  const int64_t wide_columns = ((op.dst_w + 3) / 4 * 4 - 1) * op.stride + op.kernel;
  const int64_t wide = wide_columns * int8_wide_quads(op.kernel, op.stride) * kInt8Wide * 4 + kInt8Wide;
  return std::max(narrow, wide);
}

int32_t int8_row_limit(int64_t inputs) {
  const int64_t limit = std::numeric_limits<int32_t>::max() / (127 * inputs);
  return static_cast<int32_t>(std::min<int64_t>(limit, std::numeric_limits<int16_t>::max()));
}

void pack_int8_matrix(const int8_t* weights, int64_t outputs, int64_t inputs, int8_t* packed) {
  const int64_t pairs = int8_row_size(inputs) / 2;
  std::fill_n(packed, int8_padded(outputs) * pairs * 2, int8_t{0});
  for (int64_t o = 0; o < outputs; ++o) {
    for (int64_t i = 0; i < inputs; ++i) {
      packed[((o / kInt8Lanes * pairs + i / 2) * kInt8Lanes + o % kInt8Lanes) * 2 + i % 2] = weights[o * inputs + i];
    }
  }
}

}  // namespace zoo::engine::kernels
