// The functions of int8.h as plain loops. The arithmetic in f32 is spelt out, fused multiply-adds included, so that the
// vector kernels can be compared with it bit for bit.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "nn/engine/kernels/common/activations.h"
#include "nn/engine/kernels/int8/int8.h"

namespace zoo::engine::kernels {
namespace {

struct FloatOps {
  using Value = float;

  static float splat(float x) { return x; }
  static float larger(float a, float b) { return a > b ? a : b; }
  static float smaller(float a, float b) { return a < b ? a : b; }
  static float multiply_add(float a, float b, float c) { return std::fma(a, b, c); }
  static float if_positive(float x, float a, float b) { return x > 0.0F ? a : b; }
  static float power_of_two(float x) { return std::bit_cast<float>((std::bit_cast<uint32_t>(x) + 127U) << 23U); }
};

using FloatActivations = Activations<FloatOps>;

float activate(ResolvedActivation f, float x) { return FloatActivations::activate(f, x); }

/// As VCVTPS2DQ: what 32 bits cannot hold, NaN included, becomes the least number.
int32_t to_whole(float x) {
  const bool fits = x >= -0x1p31F && x < 0x1p31F;
  return fits ? static_cast<int32_t>(std::nearbyint(x)) : std::numeric_limits<int32_t>::min();
}

int32_t round_to_byte(float x, int32_t low = 0, int32_t high = 255) { return std::clamp(to_whole(x), low, high); }

/// Limited above before it is rounded: any float may come.
int32_t quantized(float x) { return round_to_byte(x > 255.0F ? 255.0F : x); }

/// x of Int8Epilogue.
float scaled(const Int8Epilogue& op, int64_t channel, int32_t sum, const uint8_t* residual) {
  const float x = std::fma(static_cast<float>(sum), op.scale[channel], op.bias[channel]);
  return residual == nullptr ? x : std::fma(static_cast<float>(*residual), op.residual_scale, x);
}

int32_t finish(const Int8Epilogue& op, int64_t channel, int32_t sum, const uint8_t* residual) {
  const float x = scaled(op, channel, sum, residual);
  switch (op.mode) {
    case Int8Epilogue::Mode::kLinear:
      break;
    case Int8Epilogue::Mode::kHardSwish: {
      const float gate = FloatActivations::hard_gate(x, op.unit[channel] * (1.0F / 6.0F));
      return round_to_byte(std::fma(x, gate, op.zero[channel]));
    }
    case Int8Epilogue::Mode::kOther:
      return round_to_byte(activate(op.activation, x * op.unit[channel]) / op.unit[channel] + op.zero[channel]);
  }
  return round_to_byte(x, op.low, op.high);
}

int32_t packed_weight(const Int8Conv& op, int64_t channel, int64_t kernel_row, int64_t i) {
  const int64_t row_blocks = op.depth_blocks() / op.kernel_rows;
  const int64_t block = (channel / kInt8Lanes * op.kernel_rows + kernel_row) * row_blocks + i / kInt8Depth;
  return op.weights[((block * (kInt8Depth / 4) + i % kInt8Depth / 4) * kInt8Lanes + channel % kInt8Lanes) * 4 + i % 4];
}

void conv(const Int8Conv& op, const uint8_t* src, const uint8_t* residual, std::byte* dst, int64_t begin, int64_t end) {
  for (int64_t t = begin; t < end; ++t) {
    for (int64_t row = 0; row < op.rows; ++row) {
      const uint8_t* position = src + op.tiles[t].src + row * op.position_pitch;
      for (int64_t c = 0; c < op.out_blocks * kInt8Lanes; ++c) {
        int32_t sum = 0;
        for (int64_t k = 0; k < op.kernel_rows; ++k) {
          for (int64_t i = 0; i < op.row_bytes; ++i) {
            sum += packed_weight(op, c, k, i) * position[k * op.row_pitch + i];
          }
        }
        const uint8_t* r =
            residual == nullptr ? nullptr : residual + op.tiles[t].residual + row * op.residual_pitch + c;
        const int64_t lanes = op.epilogue.to_f32 ? op.lanes : kInt8Lanes;
        std::byte* out = dst + op.tiles[t].dst + row * op.dst_pitch + c / lanes * op.dst_block_pitch;
        if (!op.epilogue.to_f32) {
          reinterpret_cast<uint8_t*>(out)[c % lanes] = static_cast<uint8_t>(finish(op.epilogue, c, sum, r));
        } else if (c / lanes < op.f32_blocks) {
          reinterpret_cast<float*>(out)[c % lanes] = activate(op.epilogue.activation, scaled(op.epilogue, c, sum, r));
        }
      }
    }
  }
}

void depthwise(const Int8Depthwise& op, const uint8_t* src, uint8_t* dst, int32_t* sums, std::byte* /*ring*/,
               int64_t begin, int64_t end) {
  const int64_t blocks = op.channels / kInt8Lanes;
  const int64_t quads = int8_quads(op.kernel);
  for (int64_t item = begin; item < end; ++item) {
    const uint8_t* image = src + item / blocks * op.src_h * op.src_w * op.channels;
    uint8_t* result = dst + item / blocks * op.dst_h * op.dst_w * op.channels;
    for (int64_t lane = 0; lane < kInt8Lanes; ++lane) {
      const int64_t c = item % blocks * kInt8Lanes + lane;
      int32_t total = 0;
      for (int64_t p = 0; p < op.dst_h * op.dst_w; ++p) {
        int32_t sum = 0;
        for (int64_t tap = 0; tap < op.kernel * op.kernel; ++tap) {
          const int64_t row = tap / op.kernel;
          const int64_t column = tap % op.kernel;
          const int64_t y = p / op.dst_w * op.stride - op.pad_top + row;
          const int64_t x = p % op.dst_w * op.stride - op.pad_left + column;
          const bool inside = y >= 0 && y < op.src_h && x >= 0 && x < op.src_w;
          const int32_t value = inside ? image[(y * op.src_w + x) * op.channels + c] : op.zero[c];
          const int64_t vector = (c / kInt8Lanes * op.kernel + row) * quads + column / 4;
          sum += value * op.weights[(vector * kInt8Lanes + lane) * 4 + column % 4];
        }
        const int32_t q = finish(op.epilogue, c, sum, nullptr);
        result[p * op.channels + c] = static_cast<uint8_t>(q);
        total += q;
      }
      if (sums != nullptr) sums[item / blocks * op.channels + c] = total;
    }
  }
}

void round_rows(const float* src, int64_t src_pitch, int64_t inputs, int64_t rows, int16_t* rounded, float* steps) {
  const auto limit = static_cast<float>(int8_row_limit(inputs));
  for (int64_t r = 0; r < rows; ++r) {
    const float* x = src + r * src_pitch;
    int16_t* row = rounded + r * int8_row_size(inputs);
    std::fill_n(row, int8_row_size(inputs), int16_t{0});
    if (!std::all_of(x, x + inputs, [](float v) { return std::isfinite(v); })) {
      steps[r] = std::numeric_limits<float>::quiet_NaN();
      continue;
    }
    float largest = 0.0F;
    for (int64_t i = 0; i < inputs; ++i) largest = std::max(largest, std::abs(x[i]));
    const float inverse = largest > kInt8LeastRow ? limit / largest : 0.0F;
    steps[r] = largest / limit;
    for (int64_t i = 0; i < inputs; ++i) row[i] = static_cast<int16_t>(std::nearbyint(x[i] * inverse));
  }
}

void mat_vec(const Int8MatVec& op, const int16_t* rounded, const float* steps, float* dst, int64_t dst_pitch,
             int64_t rows, int64_t begin, int64_t end) {
  const int64_t size = int8_row_size(op.inputs);
  const int64_t stored = (op.outputs + op.lanes - 1) / op.lanes * op.lanes;
  for (int64_t o = begin * kInt8Lanes; o < std::min(end * kInt8Lanes, stored); ++o) {
    for (int64_t r = 0; r < rows; ++r) {
      int32_t sum = 0;
      for (int64_t i = 0; i < size; ++i) {
        sum += rounded[r * size + i] *
               op.weights[((o / kInt8Lanes * size + i / 2 * 2) / 2 * kInt8Lanes + o % kInt8Lanes) * 2 + i % 2];
      }
      const float x = std::fma(static_cast<float>(sum), op.scale[o] * steps[r], op.bias[o]);
      dst[r * dst_pitch + o] = o < op.outputs ? activate(op.activation, x) : 0.0F;
    }
  }
}

void sum_positions(const uint8_t* src, int32_t* sums, int64_t area, int64_t channels, int64_t begin, int64_t end) {
  for (int64_t n = begin; n < end; ++n) {
    std::fill_n(sums + n * channels, channels, 0);
    for (int64_t i = 0; i < area * channels; ++i) sums[n * channels + i % channels] += src[n * area * channels + i];
  }
}

void rescale(const uint8_t* src, const float* factor, const float* offset, uint8_t* dst, int64_t area, int64_t channels,
             int64_t begin, int64_t end) {
  for (int64_t i = begin * channels; i < end * channels; ++i) {
    const int64_t entry = i / (area * channels) * channels + i % channels;
    dst[i] = static_cast<uint8_t>(round_to_byte(std::fma(static_cast<float>(src[i]), factor[entry], offset[entry])));
  }
}

void map(const Int8Epilogue& op, const uint8_t* a, const uint8_t* b, uint8_t* dst, int64_t channels, int64_t begin,
         int64_t end) {
  for (int64_t i = begin * channels; i < end * channels; ++i) {
    dst[i] = static_cast<uint8_t>(finish(op, i % channels, a[i], b == nullptr ? nullptr : b + i));
  }
}

void quantize_image(const Int8Image& op, const float* src, uint8_t* dst, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row) {
    const float* image = src + row / op.dst_h * op.channels * op.src_h * op.src_w;
    const int64_t y = row % op.dst_h - op.pad_top;
    for (int64_t i = 0; i < op.dst_w * 4; ++i) {
      const int64_t x = i / 4 - op.pad_left;
      const int64_t c = i % 4;
      const bool inside = y >= 0 && y < op.src_h && x >= 0 && x < op.src_w;
      int32_t q = 0;
      if (c < op.channels) {
        const float value = inside ? image[(c * op.src_h + y) * op.src_w + x] : 0.0F;
        q = quantized(std::fma(value, op.inverse_step[c], op.zero[c]));
      }
      dst[(row - begin) * op.dst_w * 4 + i] = static_cast<uint8_t>(q);
    }
  }
}

/// Calls f(channel, index of the byte, index of the float) for every byte of the items; the index is -1 where the f32
/// side has no block.
template <typename F>
void for_each_value(const Int8Blocked& map, int64_t begin, int64_t end, F f) {
  const int64_t padded = int8_padded(map.channels);
  const int64_t per_image = padded / kInt8Lanes;
  for (int64_t item = begin; item < end; ++item) {
    for (int64_t i = 0; i < map.area * kInt8Lanes; ++i) {
      const int64_t image = item / per_image;
      const int64_t position = i / kInt8Lanes;
      const int64_t c = item % per_image * kInt8Lanes + i % kInt8Lanes;
      const int64_t block = image * map.blocks() + c / map.lanes;
      f(c, (image * map.area + position) * padded + c,
        c / map.lanes < map.blocks() ? (block * map.area + position) * map.lanes + c % map.lanes : -1);
    }
  }
}

void quantize(const Int8Blocked& map, const float* src, const float* inverse_step, const float* zero, uint8_t* dst,
              int64_t begin, int64_t end) {
  for_each_value(map, begin, end, [&](int64_t c, int64_t byte, int64_t at) {
    dst[byte] = static_cast<uint8_t>(quantized(std::fma(at < 0 ? 0.0F : src[at], inverse_step[c], zero[c])));
  });
}

void dequantize(const Int8Blocked& map, const uint8_t* src, const float* step, const float* zero, float* dst,
                int64_t begin, int64_t end) {
  for_each_value(map, begin, end, [&](int64_t c, int64_t byte, int64_t at) {
    if (at >= 0) dst[at] = c < map.channels ? (static_cast<float>(src[byte]) - zero[c]) * step[c] : 0.0F;
  });
}

}  // namespace

extern const Int8Table kInt8ReferenceTable;
const Int8Table kInt8ReferenceTable = {
    .isa = Int8Isa::kReference,
    .packed_conv_size = packed_int8_quads_size,
    .pack_conv = pack_int8_quads,
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

}  // namespace zoo::engine::kernels
