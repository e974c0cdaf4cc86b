// Own kernels for what oneDNN does badly or not at all: pooling, resizing, squeeze-and-excite, attention,
// matrix-vector products, element-wise steps and re-layouts. One source is compiled for several instruction sets; a
// table of functions per set is chosen at run time. Kernels of convolutions have headers of their own.
//
// Blocked layout: [N, C/B, H, W, B] with B lanes, channels beyond C ("tail") always zero. Vectors [N, C] are the same
// with H = W = 1: rows padded to a multiple of B.
#pragma once

#include <cstdint>

#include "nn/engine/kernels/common/isa.h"
#include "nn/engine/kernels/common/numbers.h"

namespace zoo::engine::kernels {

/// y = f(W x + bias) for several rows of x, computed in f32. W is packed by `pack_matrix`.
template <typename Weight>
struct MatVecOf {
  const Weight* weights = nullptr;  ///< [outputs / B, inputs, B]
  const float* bias = nullptr;      ///< [outputs padded to B]
  int64_t inputs = 0;
  int64_t outputs = 0;
  ResolvedActivation activation;
};
using MatVec = MatVecOf<float>;
using CompactMatVec = MatVecOf<Bf16>;

/// dst = f(conv(src) + bias + residual) in the blocked layout, any kernel, stride, padding, dilation and groups: the
/// fallback for shapes that oneDNN has no fast implementation for.
struct DirectConv {
  const float* weights = nullptr;  ///< [out / B, kh * kw, in / groups, B]
  const float* bias = nullptr;     ///< [out padded to B]
  int64_t groups = 1;
  int64_t in_channels = 0;
  int64_t out_channels = 0;
  int64_t src_h = 0, src_w = 0, dst_h = 0, dst_w = 0;
  int64_t kernel_h = 1, kernel_w = 1, stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  int64_t pad_top = 0, pad_left = 0;
  ResolvedActivation activation;
};

/// Windows of a mean or of a largest value.
struct Pool {
  int64_t src_h = 0, src_w = 0, dst_h = 0, dst_w = 0;
  int64_t kernel_h = 1, kernel_w = 1, stride_h = 1, stride_w = 1;
  int64_t pad_top = 0, pad_left = 0;
  bool count_include_pad = true;  ///< of a mean: whether the zeros of the padding count as values of their window
};

/// One output index along an axis: (1 - weight) * src[first] + weight * src[second].
struct AxisTap {
  int64_t first = 0;
  int64_t second = 0;
  float weight = 0.0F;
};

/// Separable interpolation of maps.
struct Resize {
  bool nearest = false;  ///< only `first` of each tap counts
  int64_t src_h = 0, src_w = 0, dst_h = 0, dst_w = 0;
  const AxisTap* rows = nullptr;     ///< [dst_h]
  const AxisTap* columns = nullptr;  ///< [dst_w]
};

/// softmax(q k^T / sqrt(key_dim)) v with one head of keys and values for all heads of queries.
struct Attention {
  int64_t heads = 1;
  int64_t key_dim = 0;
  int64_t value_dim = 0;
  int64_t queries = 0;  ///< positions of query and result
  int64_t keys = 0;     ///< positions of key and value
};

/// Query positions of one work item of `attention`.
inline constexpr int64_t kAttentionTile = 4;

template <typename Weight>
using MatVecFunction = void (*)(const MatVecOf<Weight>& op, const float* src, int64_t src_stride, float* dst,
                                int64_t dst_stride, int64_t rows, int64_t begin, int64_t end);

/// Functions of one instruction set. `begin`, `end` bound the work items of a call, so that callers may split work
/// between threads. No function allocates or throws.
struct KernelTable {
  Isa isa = Isa::kSse;
  int64_t lanes = 4;

  /// Work item: one channel block of one image. dst[item, lane] = mean over `area` of src[item, p, lane].
  void (*global_avg_pool)(const float* src, float* dst, int64_t area, int64_t begin, int64_t end);

  /// Work item: one block of outputs. Rows of x have stride `src_stride`, rows of y `dst_stride` floats; the tail of y
  /// is set to zero.
  MatVecFunction<float> mat_vec;
  MatVecFunction<Bf16> compact_mat_vec;

  /// Work item: one block of output channels of one image. `residual` may be null.
  void (*direct_conv)(const DirectConv& op, const float* src, const float* residual, float* dst, int64_t begin,
                      int64_t end);

  /// Work item: one channel block of one image. dst = src * gate[item, lane]; dst may be src.
  void (*scale)(const float* src, const float* gate, float* dst, int64_t area, int64_t begin, int64_t end);

  /// Work item: one channel block of one image. dst = f(src), f(src + other) with `other`; dst may be src. `channels`
  /// tells where the tail of the last block begins.
  void (*map)(const float* src, const float* other, float* dst, ResolvedActivation f, int64_t channels, int64_t area,
              int64_t begin, int64_t end);

  /// Work item: one channel block of one image. dst = (src - mean) / sqrt(variance + eps) per lane; dst may be src.
  void (*instance_norm)(const float* src, float* dst, double eps, int64_t area, int64_t begin, int64_t end);

  /// Work item: one channel block of one image; `channels` per image. Row-major [N, C, area] on one side, blocked on
  /// the other.
  void (*to_blocked)(const float* src, float* dst, int64_t channels, int64_t area, int64_t begin, int64_t end);
  void (*to_planar)(const float* src, float* dst, int64_t channels, int64_t area, int64_t begin, int64_t end);

  /// Work item: one channel block of one image.
  void (*avg_pool)(const Pool& op, const float* src, float* dst, int64_t begin, int64_t end);
  void (*max_pool)(const Pool& op, const float* src, float* dst, int64_t begin, int64_t end);
  void (*resize)(const Resize& op, const float* src, float* dst, int64_t begin, int64_t end);

  /// Work item: B key positions of one image. [N, key_dim / B, keys, B] -> [N, keys / B, key_dim, B], where the lanes
  /// are positions; those beyond the last are zero.
  void (*pack_keys)(const float* src, float* dst, int64_t key_dim, int64_t keys, int64_t begin, int64_t end);

  /// Work item: kAttentionTile query positions of one head of one image, head by head. `query`, `value` and `dst` are
  /// blocked, `packed_keys` comes from `pack_keys`; `scratch` (attention_scratch floats) is for this call alone.
  void (*attention)(const Attention& op, const float* query, const float* packed_keys, const float* value, float* dst,
                    float* scratch, int64_t begin, int64_t end);
};

/// Precondition: the processor has the set (machine/capabilities.h).
const KernelTable& kernel_table(Isa isa);

/// Floats that `packed_keys` of `images` images has.
int64_t packed_keys_size(const Attention& op, int64_t images, int64_t lanes);
/// Floats that one caller of `attention` needs.
int64_t attention_scratch(const Attention& op, int64_t lanes);
/// Work items of `attention` for `images` images.
int64_t attention_items(const Attention& op, int64_t images);

/// [outputs, inputs] row-major -> [outputs / lanes, inputs, lanes], each weight times `factor`; `packed` must be zero
/// before (the tail stays so).
void pack_matrix(const float* weights, int64_t outputs, int64_t inputs, int64_t lanes, float* packed,
                 float factor = 1.0F);
void pack_matrix(const float* weights, int64_t outputs, int64_t inputs, int64_t lanes, Bf16* packed,
                 float factor = 1.0F);

}  // namespace zoo::engine::kernels
