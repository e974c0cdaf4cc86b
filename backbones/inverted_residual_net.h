// A network of inverted residual or depthwise separable blocks: stem, stages of blocks, last 1x1 convolution.
// MobileNetV1, V2 and V3 are such networks; what differs between the families and between the libraries is a field
// here, and each family has its own way of reading the fields from a model file.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "backbones/blocks.h"
#include "backbones/feature_info.h"
#include "backbones/pyramid.h"
#include "backbones/registry.h"
#include "nn/core/activation.h"
#include "nn/graph/graph_builder.h"

namespace zoo::backbones {

/// One block.
struct InvertedResidualBlock {
  int64_t in_channels = 0;
  int64_t kernel = 3;
  int64_t expanded_channels = 0;  ///< equal to in_channels: there is no expand convolution
  int64_t out_channels = 0;
  bool use_se = false;
  ActivationKind activation = ActivationKind::kRelu;
  int64_t stride = 1;
  int64_t dilation = 1;
  bool use_skip = true;  ///< where stride is 1 and the channels agree; timm's mobilenetv3_rw: not in its first block
  int64_t se_reduction = 4;  ///< squeeze width = make_divisible(expanded_channels / se_reduction, se_divisor)
  ActivationKind project_activation = ActivationKind::kIdentity;  ///< after the last 1x1 convolution (MobileNetV1)
};

using InvertedResidualStages = std::vector<std::vector<InvertedResidualBlock>>;

/// A decoded network; the defaults are those of NetsPresso Trainer's MobileNetV3.
struct InvertedResidualNetConfig {
  int64_t in_channels = 3;
  int64_t stem_channels = 0;
  ActivationKind stem_activation = ActivationKind::kHardSwish;
  bool stem_bias = false;  ///< lucid's MobileNetV1: a bias before the stem's normalisation
  InvertedResidualStages stages;
  int64_t last_conv_channels = 0;  ///< 0: there is no last convolution
  int64_t last_conv_layers =
      1;  ///< last convolutions in a row; 2 in timm's mobilenetv3_large_150d, whose depth is scaled
  ActivationKind last_conv_activation = ActivationKind::kHardSwish;
  int64_t se_divisor = 8;
  std::optional<ActivationKind> se_activation = ActivationKind::kRelu;  ///< empty: the block's own activation
  NormOptions norm = {.kind = NormKind::kBatchNorm, .eps = 1e-3};       ///< torchvision, NetsPresso, timm's tf_*
  bool same_padding = false;                                            ///< TensorFlow SAME where there is a stride
  FeatureSelection feature_levels;
  int64_t head_channels = 0;  ///< lucid's `last_channels`: width of the head's hidden layer; 0: not said
};

/// What can be a level: stem, every block and before it what its expand convolution yields, last convolution; nodes are
/// kNone. Empty if a stage has no blocks.
std::vector<FeatureValue> inverted_residual_net_values(const InvertedResidualNetConfig& config);

/// Levels of the pyramid with value = kNone.
FeaturePyramid inverted_residual_net_features(const InvertedResidualNetConfig& config);

/// Adds stem, blocks and last convolution: [N, in_channels, H, W] -> pyramid, coarsest level
/// [N, channels, ceil(H / stride), ceil(W / stride)]. Throws GraphError.
FeaturePyramid build_inverted_residual_net(graph::GraphBuilder& builder, const InvertedResidualNetConfig& config);

/// What the registry needs of a decoded network.
BackboneDefinition define_inverted_residual_net(InvertedResidualNetConfig config);

}  // namespace zoo::backbones
