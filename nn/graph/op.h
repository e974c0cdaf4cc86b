// The operations of a network: plain data, one struct each, held in a variant. Values are feature maps [N, C, H, W] or,
// after Flatten and Linear, vectors [N, C].
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

#include "nn/core/activation.h"
#include "nn/core/parameter.h"

namespace zoo::graph {

/// No parameter, no value.
inline constexpr int32_t kNone = -1;

/// Extent or step along height and width.
struct Size2d {
  int64_t h = 1;
  int64_t w = 1;
  friend bool operator==(const Size2d&, const Size2d&) = default;
};

/// How a convolution treats the border; the padding is always zeros.
enum class PaddingMode {
  kExplicit,  ///< `pad` on both sides
  kSame,      ///< TensorFlow SAME: output ceil(in / stride), an odd pixel goes to the bottom and the right
};

/// An activation and the learned slope of a PReLU.
struct FusedActivation {
  ActivationKind kind = ActivationKind::kIdentity;
  ParameterId slope = kNone;  ///< only kPrelu: parameter of shape [1]
  friend bool operator==(const FusedActivation&, const FusedActivation&) = default;
};

/// The image given to the network, [N, channels, H, W].
struct Input {
  int64_t channels = 3;
};

/// Cross-correlation. src [N, in_channels, H, W] -> dst [N, out_channels, H', W'] with
/// H' = floor((H + 2 pad - dilation (kernel - 1) - 1) / stride) + 1.
/// Optional second input after fusion: a residual of dst's shape, added after bias, before `activation`.
struct Conv2d {
  int64_t in_channels = 0;
  int64_t out_channels = 0;
  Size2d kernel = {1, 1};
  Size2d stride = {1, 1};
  Size2d pad = {0, 0};
  Size2d dilation = {1, 1};
  int64_t groups = 1;
  PaddingMode padding = PaddingMode::kExplicit;
  ParameterId weight = kNone;       ///< [out_channels, in_channels / groups, kernel.h, kernel.w]
  ParameterId bias = kNone;         ///< [out_channels] or kNone
  FusedActivation activation = {};  ///< set by fusion
};

/// y = (x - mean) / sqrt(var + eps) * weight + bias with stored statistics.
struct BatchNorm {
  int64_t channels = 0;
  double eps = 1e-5;
  ParameterId weight = kNone;  ///< all four: [channels]
  ParameterId bias = kNone;
  ParameterId mean = kNone;
  ParameterId var = kNone;
};

/// y = (x - mean) / sqrt(var + eps) with the statistics (biased variance) of each image and channel.
struct InstanceNorm {
  int64_t channels = 0;
  double eps = 1e-5;
};

struct Activation {
  FusedActivation function = {};
};

/// a + b, equal shapes.
struct Add {};

/// x * gate; x [N, C, H, W], gate [N, C, 1, 1].
struct Mul {};

/// y = x * weight[c], "layer scale"; x [N, channels, H, W].
struct ScaleChannels {
  int64_t channels = 0;
  ParameterId weight = kNone;  ///< [channels]
};

/// Mean over windows: [N, C, H, W] -> [N, C, H', W'] with H' = floor((H + 2 pad - kernel) / stride) + 1.
struct AvgPool2d {
  Size2d kernel = {1, 1};
  Size2d stride = {1, 1};
  Size2d pad = {0, 0};            ///< zeros on both sides, at most kernel / 2
  bool count_include_pad = true;  ///< whether those zeros count as values of their window (torch's default)
};

/// Largest value of windows, sizes as AvgPool2d; positions in the padding are left out.
struct MaxPool2d {
  Size2d kernel = {1, 1};
  Size2d stride = {1, 1};
  Size2d pad = {0, 0};  ///< at most kernel / 2
};

/// Low-pass filter before subsampling: every channel alone with the binomial filter kBlurFilter (outer product), one
/// zero on every side. [N, channels, H, W] -> [N, channels, H', W'] with H' = floor((H - 1) / stride) + 1.
/// timm's BlurPool2d with filt_size 3 and pad_mode constant ("blurpc").
struct BlurPool2d {
  int64_t channels = 0;
  Size2d stride = {1, 1};
};

/// One dimension of BlurPool2d's filter.
inline constexpr std::array<double, 3> kBlurFilter = {0.25, 0.5, 0.25};

enum class ResizeMode { kNearest, kBilinear };

/// src [N, C, H, W] and like [N', C', H', W'] -> [N, C, H', W']; of `like` only the size matters. As torch's
/// interpolate(size=..., align_corners=False), without antialiasing.
struct Resize {
  ResizeMode mode = ResizeMode::kNearest;
};

/// The channels of all sources one after the other: [N, C_i, H, W] -> [N, sum of C_i, H, W].
struct Concat {};

/// Channels [begin, begin + channels) of [N, in_channels, H, W].
struct SliceChannels {
  int64_t in_channels = 0;
  int64_t begin = 0;
  int64_t channels = 0;
};

/// Channels in another order: `groups` equal groups become interleaved, dst[i * groups + g] = src[g * channels / groups
/// + i]. With channels / groups in place of groups it is undone. ShuffleNet's channel shuffle (Zhang et al. 2018,
/// arXiv:1707.01083).
struct ShuffleChannels {
  int64_t channels = 0;
  int64_t groups = 1;
};

/// softmax(q k^T / sqrt(key_dim)) v for every head; the heads share keys and values.
/// Inputs: query [N, heads * key_dim, H, W], key [N, key_dim, Hk, Wk], value [N, value_dim, Hk, Wk]; positions are rows
/// of the matrices. Result [N, heads * value_dim, H, W]. Channels of query and result are head-major.
struct MultiQueryAttention {
  int64_t heads = 0;
  int64_t key_dim = 0;
  int64_t value_dim = 0;
};

/// Mean over H and W: [N, C, H, W] -> [N, C, 1, 1].
struct GlobalAvgPool {};

/// [N, C, H, W] -> [N, C * H * W].
struct Flatten {};

/// y = x weight^T + bias; x [N, in_features].
struct Linear {
  int64_t in_features = 0;
  int64_t out_features = 0;
  ParameterId weight = kNone;       ///< [out_features, in_features]
  ParameterId bias = kNone;         ///< [out_features] or kNone
  FusedActivation activation = {};  ///< set by fusion
};

/// x * gate(expand(inner(reduce(mean(x))))): pooling, two small layers, two activations and the scaling in one
/// operation. Made by fusion only. x [N, channels, H, W].
struct SqueezeExcite {
  int64_t channels = 0;
  int64_t squeezed = 0;
  ParameterId reduce_weight = kNone;  ///< [squeezed, channels, 1, 1]
  ParameterId reduce_bias = kNone;    ///< [squeezed] or kNone
  ParameterId expand_weight = kNone;  ///< [channels, squeezed, 1, 1]
  ParameterId expand_bias = kNone;    ///< [channels] or kNone
  FusedActivation inner = {};
  FusedActivation gate = {};
};

using Op = std::variant<Input, Conv2d, BatchNorm, InstanceNorm, Activation, Add, Mul, GlobalAvgPool, Flatten, Linear,
                        SqueezeExcite, ScaleChannels, AvgPool2d, MaxPool2d, BlurPool2d, Resize, Concat, SliceChannels,
                        ShuffleChannels, MultiQueryAttention>;

/// "nearest" or "bilinear".
std::string_view to_string(ResizeMode mode);

/// Name of the operation, e.g. "Conv2d".
std::string_view op_name(const Op& op);

/// The parameters an operation reads, kNone left out.
std::vector<ParameterId> parameters_of(const Op& op);

/// Whether an operation yields a vector [N, C], not a map, where its first source is a vector or not.
bool yields_vector(const Op& op, bool source_is_vector);

}  // namespace zoo::graph
