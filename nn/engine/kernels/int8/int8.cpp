#include "nn/engine/kernels/int8/int8.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace zoo::engine::kernels {

extern const Int8Table kInt8ReferenceTable;
extern const Int8Table kInt8Avx2Table;
extern const Int8Table kInt8AvxVnniTable;
extern const Int8Table kInt8VnniTable;
extern const Int8Table kInt8AmxTable;

const Int8Table& int8_table(Int8Isa isa) {
  switch (isa) {
    case Int8Isa::kAmx:
      return kInt8AmxTable;
    case Int8Isa::kVnni:
      return kInt8VnniTable;
    case Int8Isa::kAvxVnni:
      return kInt8AvxVnniTable;
    case Int8Isa::kAvx2:
      return kInt8Avx2Table;
    case Int8Isa::kReference:
      break;
  }
  return kInt8ReferenceTable;
}

int64_t packed_int8_quads_size(const Int8ConvWeights& shape) {
  const int64_t row_blocks = (shape.row_bytes + kInt8Depth - 1) / kInt8Depth;
  return int8_padded(shape.out_channels) * shape.kernel_rows * row_blocks * kInt8Depth;
}

void pack_int8_quads(const Int8ConvWeights& shape, const int8_t* weights, int8_t* packed) {
  const int64_t row_blocks = (shape.row_bytes + kInt8Depth - 1) / kInt8Depth;
  std::fill_n(packed, packed_int8_quads_size(shape), int8_t{0});
  for (int64_t o = 0; o < shape.out_channels; ++o) {
    for (int64_t row = 0; row < shape.kernel_rows; ++row) {
      const int64_t first_block = (o / kInt8Lanes * shape.kernel_rows + row) * row_blocks;
      const int8_t* source = weights + (o * shape.kernel_rows + row) * shape.row_bytes;
      for (int64_t i = 0; i < shape.row_bytes; i += 4) {
        const int64_t quad = (first_block + i / kInt8Depth) * (kInt8Depth / 4) + i % kInt8Depth / 4;
        std::copy_n(source + i, 4, packed + (quad * kInt8Lanes + o % kInt8Lanes) * 4);
      }
    }
  }
}

int64_t packed_int8_pairs_size(const Int8ConvWeights& shape) {
  return int8_padded(shape.out_channels) * shape.kernel_rows * shape.row_bytes * static_cast<int64_t>(sizeof(int16_t));
}

void pack_int8_pairs(const Int8ConvWeights& shape, const int8_t* weights, int8_t* packed) {
  std::fill_n(packed, packed_int8_pairs_size(shape), int8_t{0});
  for (int64_t o = 0; o < shape.out_channels; ++o) {
    for (int64_t row = 0; row < shape.kernel_rows; ++row) {
      const int64_t first = (o / kInt8Lanes * shape.kernel_rows + row) * shape.row_bytes / 2;
      const int8_t* source = weights + (o * shape.kernel_rows + row) * shape.row_bytes;
      for (int64_t i = 0; i < shape.row_bytes; i += 2) {
        const int16_t pair[2] = {source[i], source[i + 1]};
        std::memcpy(packed + ((first + i / 2) * kInt8Lanes + o % kInt8Lanes) * sizeof(pair), pair, sizeof(pair));
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
  // Taps of 16 channels, `taps` pixels together, for every column that a row of results reads; results are made four at
  // a time. Then one row of the source, 16 channels of a pixel after the other, with its padding.
  const auto narrow = [&](int64_t taps) {
    const int64_t columns = op.dst_w + taps / op.stride * ((op.kernel + taps - 1) / taps - 1) + 3;
    const int64_t pixels = std::max(op.pad_left + op.src_w, (columns - 1) * op.stride + taps);
    return op.kernel * columns * 64 + pixels * kInt8Lanes;
  };
  // The quads of every column that results of 64 channels read, and a padding pixel.
  const int64_t wide_columns = ((op.dst_w + 3) / 4 * 4 - 1) * op.stride + op.kernel;
  const int64_t wide = wide_columns * int8_wide_quads(op.kernel, op.stride) * kInt8Wide * 4 + kInt8Wide;
  return std::max({narrow(2), narrow(4), wide});
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
