// The operations of a network: plain data, one struct each, held in a variant. Values are feature maps [N, C, H, W] or,
// after Flatten and Linear, vectors [N, C].
#pragma once

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
                        SqueezeExcite>;

/// Name of the operation, e.g. "Conv2d".
std::string_view op_name(const Op& op);

/// The parameters an operation reads, kNone left out.
std::vector<ParameterId> parameters_of(const Op& op);

}  // namespace zoo::graph
