// Building blocks that the backbone families share. Each adds its nodes under a name scope and sets the structural role
// of its parameters, so that a family only says which blocks it has.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "nn/core/activation.h"
#include "nn/core/parameter.h"
#include "nn/graph/graph_builder.h"

namespace zoo::backbones {

/// How a family normalises after its convolutions.
struct NormOptions {
  NormKind kind = NormKind::kBatchNorm;
  double eps = 1e-5;
};

/// A convolution without bias, its normalisation and its activation.
struct ConvNormActOptions {
  graph::ConvOptions conv;
  NormOptions norm = {};
  ActivationKind activation = ActivationKind::kIdentity;
};

/// src [N, C, H, W] -> [N, conv.out_channels, H', W']. Nodes `name`.conv, `name`.norm and, unless it is the identity,
/// `name`.act; their parameters are `part` of the builder's current role.
graph::NodeId conv_norm_act(graph::GraphBuilder& builder, graph::NodeId src, std::string_view name, Part part,
                            const ConvNormActOptions& options);

/// Squeeze-and-excite (Hu et al. 2018, arXiv:1709.01507, with MobileNetV3's gate): two 1x1 convolutions with bias on
/// the global mean.
struct SqueezeExciteOptions {
  int64_t squeezed = 0;  ///< channels between the two convolutions
  ActivationKind inner = ActivationKind::kRelu;
  ActivationKind gate = ActivationKind::kHardSigmoid;
};

/// src [N, C, H, W] -> the same shape. Nodes `name`.pool, .reduce, .act, .expand, .gate and .scale.
graph::NodeId squeeze_excite(graph::GraphBuilder& builder, graph::NodeId src, std::string_view name,
                             const SqueezeExciteOptions& options);

/// Inverted residual (Sandler et al. 2018, arXiv:1801.04381; with squeeze-and-excite: Howard et al. 2019,
/// arXiv:1905.02244): expand 1x1, depthwise k x k, squeeze-and-excite, project 1x1 without activation, skip.
struct InvertedResidualOptions {
  int64_t expanded_channels = 0;  ///< equal to the input's channels: there is no expand convolution
  int64_t out_channels = 0;
  int64_t kernel = 3;
  int64_t stride = 1;
  int64_t dilation = 1;
  ActivationKind activation = ActivationKind::kRelu;
  std::optional<SqueezeExciteOptions> squeeze_excite = std::nullopt;
  bool skip = false;  ///< adds the input; needs stride 1 and equal channels
  NormOptions norm = {};
  bool same_padding = false;  ///< TensorFlow SAME on the depthwise convolution where it has a stride
};

/// src [N, C, H, W] -> [N, out_channels, ceil(H / stride), ceil(W / stride)]. Nodes expand.*, depthwise.*, se.*,
/// project.* and add. Fills block_kind, part and part_index (position among the parts the block really has,
/// squeeze-and- excite being one part) of the builder's current role; the family sets stage and block before.
graph::NodeId inverted_residual(graph::GraphBuilder& builder, graph::NodeId src,
                                const InvertedResidualOptions& options);

/// TensorFlow SAME differs from symmetric padding only where there is a stride: at stride 1 an odd kernel takes the
/// same number of zeros on both sides.
graph::PaddingMode padding_mode(bool same_padding, int64_t stride);

/// The multiple of `divisor` nearest to `value` (halves up), at least `divisor`, and the next one if that is less than
/// 90 % of `value` (MobileNet's rule, torchvision's `_make_divisible`). With divisor 1: max(value, 1).
int64_t make_divisible(int64_t value, int64_t divisor);

}  // namespace zoo::backbones
