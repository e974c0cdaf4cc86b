// Source of the own kernels, compiled once per instruction set: the including file defines ZOO_KERNEL_ISA,
// ZOO_KERNEL_LANES and ZOO_KERNEL_TABLE and is compiled with that set's flags. Everything has internal linkage, so that
// no function compiled for a wide set can be picked by the linker for a narrow machine.
//
// GCC vector types keep the code free of intrinsics; a vector wider than the set's registers is split by the compiler.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "nn/engine/kernels/kernels.h"

namespace zoo::engine::kernels {
namespace {

constexpr int64_t kLanes = ZOO_KERNEL_LANES;
// NOLINTNEXTLINE(modernize-use-using): attributes on alias declarations are ignored by GCC 12 here
typedef float Vec __attribute__((vector_size(ZOO_KERNEL_LANES * sizeof(float))));

inline Vec load(const float* p) {
  Vec v;
  std::memcpy(&v, p, sizeof(v));
  return v;
}

inline void store(float* p, Vec v) { std::memcpy(p, &v, sizeof(v)); }

inline Vec splat(float x) { return x - Vec{}; }

inline Vec vec_max(Vec a, Vec b) { return a > b ? a : b; }
inline Vec vec_min(Vec a, Vec b) { return a < b ? a : b; }

template <typename F>
inline Vec per_lane(Vec v, F f) {
  for (int64_t i = 0; i < kLanes; ++i) v[i] = f(v[i]);
  return v;
}

inline Vec activate(ResolvedActivation f, Vec v) {
  const Vec zero = Vec{};
  switch (f.kind) {
    case ActivationKind::kIdentity:
      return v;
    case ActivationKind::kRelu:
      return vec_max(v, zero);
    case ActivationKind::kRelu6:
      return vec_min(vec_max(v, zero), splat(6.0F));
    case ActivationKind::kPrelu:
    case ActivationKind::kLeakyRelu:
      return v > zero ? v : v * splat(f.slope);
    case ActivationKind::kGelu:
      return per_lane(v, [](float x) { return 0.5F * x * (1.0F + std::erf(x * 0.70710678F)); });
    case ActivationKind::kSilu:
      return per_lane(v, [](float x) { return x / (1.0F + std::exp(-x)); });
    case ActivationKind::kHardSwish:
      return v * vec_min(vec_max(v + splat(3.0F), zero), splat(6.0F)) * splat(1.0F / 6.0F);
    case ActivationKind::kHardSigmoid:
      return vec_min(vec_max(v + splat(3.0F), zero), splat(6.0F)) * splat(1.0F / 6.0F);
    case ActivationKind::kSigmoid:
      return per_lane(v, [](float x) { return 1.0F / (1.0F + std::exp(-x)); });
  }
  return v;
}

/// `v` with the lanes that are no channels set to zero. `channel` is the first channel of the block.
inline Vec clear_tail(Vec v, int64_t channel, int64_t channels) {
  for (int64_t i = std::max<int64_t>(0, channels - channel); i < kLanes; ++i) v[i] = 0.0F;
  return v;
}

void global_avg_pool(const float* src, float* dst, int64_t area, int64_t begin, int64_t end) {
  for (int64_t item = begin; item < end; ++item) {
    const float* block = src + item * area * kLanes;
    std::array<Vec, 4> sums{};
    int64_t p = 0;
    for (; p + 4 <= area; p += 4) {
      for (size_t k = 0; k < 4; ++k) sums[k] += load(block + (p + static_cast<int64_t>(k)) * kLanes);
    }
    for (; p < area; ++p) sums[0] += load(block + p * kLanes);
    store(dst + item * kLanes, ((sums[0] + sums[1]) + (sums[2] + sums[3])) / splat(static_cast<float>(area)));
  }
}

/// Rows of x that share one pass over the weights.
constexpr int64_t kRowTile = 4;

template <int64_t kRows>
void mat_vec_block(const MatVec& op, const float* src, int64_t src_stride, float* dst, int64_t dst_stride,
                   int64_t block) {
  // Few rows: split the inputs over independent sums to hide the latency of the multiply-add.
  constexpr int64_t kSplit = kRows == 1 ? 8 : 2;
  std::array<std::array<Vec, kSplit>, kRows> sums{};
  const float* weights = op.weights + block * op.inputs * kLanes;
  int64_t i = 0;
  for (; i + kSplit <= op.inputs; i += kSplit) {
    for (int64_t k = 0; k < kSplit; ++k) {
      const Vec w = load(weights + (i + k) * kLanes);
      for (int64_t r = 0; r < kRows; ++r) {
        sums[static_cast<size_t>(r)][static_cast<size_t>(k)] += w * splat(src[r * src_stride + i + k]);
      }
    }
  }
  for (; i < op.inputs; ++i) {
    const Vec w = load(weights + i * kLanes);
    for (int64_t r = 0; r < kRows; ++r) sums[static_cast<size_t>(r)][0] += w * splat(src[r * src_stride + i]);
  }
  for (int64_t r = 0; r < kRows; ++r) {
    Vec sum = load(op.bias + block * kLanes);
    for (const Vec& part : sums[static_cast<size_t>(r)]) sum += part;
    const Vec y = clear_tail(activate(op.activation, sum), block * kLanes, op.outputs);
    store(dst + r * dst_stride + block * kLanes, y);
  }
}

void mat_vec(const MatVec& op, const float* src, int64_t src_stride, float* dst, int64_t dst_stride, int64_t rows,
             int64_t begin, int64_t end) {
  for (int64_t block = begin; block < end; ++block) {
    int64_t row = 0;
    for (; row + kRowTile <= rows; row += kRowTile) {
      mat_vec_block<kRowTile>(op, src + row * src_stride, src_stride, dst + row * dst_stride, dst_stride, block);
    }
    for (; row < rows; ++row) {
      mat_vec_block<1>(op, src + row * src_stride, src_stride, dst + row * dst_stride, dst_stride, block);
    }
  }
}

/// Sum over the taps that lie inside the image, for one position and one block of output channels.
inline Vec direct_conv_at(const DirectConv& op, const float* image, int64_t block, int64_t y, int64_t x) {
  Vec sum = load(op.bias + block * kLanes);
  const int64_t taps = op.kernel_h * op.kernel_w;
  const int64_t src_area = op.src_h * op.src_w;
  for (int64_t tap = 0; tap < taps; ++tap) {
    const int64_t src_y = y * op.stride_h - op.pad_top + tap / op.kernel_w * op.dilation_h;
    const int64_t src_x = x * op.stride_w - op.pad_left + tap % op.kernel_w * op.dilation_w;
    if (src_y < 0 || src_y >= op.src_h || src_x < 0 || src_x >= op.src_w) continue;
    const float* position = image + (src_y * op.src_w + src_x) * kLanes;
    if (op.depthwise) {
      sum += load(position + block * src_area * kLanes) * load(op.weights + (block * taps + tap) * kLanes);
      continue;
    }
    const float* weights = op.weights + (block * taps + tap) * op.in_channels * kLanes;
    for (int64_t c = 0; c < op.in_channels; ++c) {
      sum += load(weights + c * kLanes) * splat(position[c / kLanes * src_area * kLanes + c % kLanes]);
    }
  }
  return sum;
}

void direct_conv(const DirectConv& op, const float* src, const float* residual, float* dst, int64_t begin,
                 int64_t end) {
  const int64_t out_blocks = (op.out_channels + kLanes - 1) / kLanes;
  const int64_t in_blocks = (op.in_channels + kLanes - 1) / kLanes;
  for (int64_t item = begin; item < end; ++item) {
    const int64_t block = item % out_blocks;
    const float* image = src + item / out_blocks * in_blocks * op.src_h * op.src_w * kLanes;
    for (int64_t p = 0; p < op.dst_h * op.dst_w; ++p) {
      const int64_t at = (item * op.dst_h * op.dst_w + p) * kLanes;
      Vec sum = direct_conv_at(op, image, block, p / op.dst_w, p % op.dst_w);
      if (residual != nullptr) sum += load(residual + at);
      store(dst + at, clear_tail(activate(op.activation, sum), block * kLanes, op.out_channels));
    }
  }
}

void scale(const float* src, const float* gate, float* dst, int64_t area, int64_t begin, int64_t end) {
  for (int64_t item = begin; item < end; ++item) {
    const Vec factor = load(gate + item * kLanes);
    const int64_t first = item * area * kLanes;
    for (int64_t p = first; p < first + area * kLanes; p += kLanes) store(dst + p, load(src + p) * factor);
  }
}

void map(const float* src, const float* other, float* dst, ResolvedActivation f, int64_t channels, int64_t area,
         int64_t begin, int64_t end) {
  const int64_t blocks = (channels + kLanes - 1) / kLanes;
  for (int64_t item = begin; item < end; ++item) {
    const int64_t channel = item % blocks * kLanes;
    const int64_t first = item * area * kLanes;
    for (int64_t p = first; p < first + area * kLanes; p += kLanes) {
      Vec v = load(src + p);
      if (other != nullptr) v += load(other + p);
      v = activate(f, v);
      if (channel + kLanes > channels) v = clear_tail(v, channel, channels);
      store(dst + p, v);
    }
  }
}

void instance_norm(const float* src, float* dst, double eps, int64_t area, int64_t begin, int64_t end) {
  const Vec count = splat(static_cast<float>(area));
  for (int64_t item = begin; item < end; ++item) {
    const int64_t first = item * area * kLanes;
    const int64_t last = first + area * kLanes;
    Vec mean = Vec{};
    for (int64_t p = first; p < last; p += kLanes) mean += load(src + p);
    mean /= count;
    Vec variance = Vec{};
    for (int64_t p = first; p < last; p += kLanes) {
      const Vec d = load(src + p) - mean;
      variance += d * d;
    }
    variance /= count;
    const Vec factor = per_lane(variance, [&](float v) { return static_cast<float>(1.0 / std::sqrt(v + eps)); });
    for (int64_t p = first; p < last; p += kLanes) store(dst + p, (load(src + p) - mean) * factor);
  }
}

void to_blocked(const float* src, float* dst, int64_t channels, int64_t area, int64_t begin, int64_t end) {
  const int64_t blocks = (channels + kLanes - 1) / kLanes;
  for (int64_t item = begin; item < end; ++item) {
    const int64_t channel = item % blocks * kLanes;
    const int64_t lanes = std::min(kLanes, channels - channel);
    const float* planes = src + (item / blocks * channels + channel) * area;
    float* block = dst + item * area * kLanes;
    for (int64_t p = 0; p < area; ++p) {
      for (int64_t lane = 0; lane < kLanes; ++lane) {
        block[p * kLanes + lane] = lane < lanes ? planes[lane * area + p] : 0.0F;
      }
    }
  }
}

void to_planar(const float* src, float* dst, int64_t channels, int64_t area, int64_t begin, int64_t end) {
  const int64_t blocks = (channels + kLanes - 1) / kLanes;
  for (int64_t item = begin; item < end; ++item) {
    const int64_t channel = item % blocks * kLanes;
    const int64_t lanes = std::min(kLanes, channels - channel);
    float* planes = dst + (item / blocks * channels + channel) * area;
    const float* block = src + item * area * kLanes;
    for (int64_t lane = 0; lane < lanes; ++lane) {
      for (int64_t p = 0; p < area; ++p) planes[lane * area + p] = block[p * kLanes + lane];
    }
  }
}

}  // namespace

extern const KernelTable ZOO_KERNEL_TABLE;
const KernelTable ZOO_KERNEL_TABLE = {
    .isa = ZOO_KERNEL_ISA,
    .lanes = kLanes,
    .global_avg_pool = global_avg_pool,
    .mat_vec = mat_vec,
    .direct_conv = direct_conv,
    .scale = scale,
    .map = map,
    .instance_norm = instance_norm,
    .to_blocked = to_blocked,
    .to_planar = to_planar,
};

}  // namespace zoo::engine::kernels
