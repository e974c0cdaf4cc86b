// MobileNetV3 (Howard et al. 2019, "Searching for MobileNetV3", arXiv:1905.02244) in the forms of NetsPresso Trainer,
// torchvision, timm and lucid. One description covers them all; what differs between the libraries is a field here.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "backbones/blocks.h"
#include "backbones/feature_info.h"
#include "backbones/registry.h"
#include "nn/core/activation.h"
#include "nn/core/config_node.h"
#include "nn/graph/graph_builder.h"

namespace zoo::backbones {

/// One inverted residual block.
struct MobileNetV3Block {
  int64_t in_channels = 0;
  int64_t kernel = 3;
  int64_t expanded_channels = 0;
  int64_t out_channels = 0;
  bool use_se = false;
  ActivationKind activation = ActivationKind::kRelu;
  int64_t stride = 1;
  int64_t dilation = 1;
  bool use_skip = true;  ///< where stride is 1 and the channels agree; timm's mobilenetv3_rw: not in its first block
  int64_t se_reduction = 4;  ///< squeeze width = make_divisible(expanded_channels / se_reduction, se_divisor)
};

/// Which values form the feature pyramid.
enum class FeatureLevels {
  kStages,   ///< output of every stage; the last convolution belongs to the last one (NetsPresso Trainer)
  kStrides,  ///< deepest value of every stride, stem and last convolution included (timm's features_only)
  kBlocks,   ///< stem, every block, last convolution (torchvision's `features`)
};

/// A decoded backbone; the defaults are the trainer's.
struct MobileNetV3Config {
  int64_t in_channels = 3;
  int64_t stem_channels = 0;
  ActivationKind stem_activation = ActivationKind::kHardSwish;
  std::vector<std::vector<MobileNetV3Block>> stages;
  int64_t last_conv_channels = 0;
  ActivationKind last_conv_activation = ActivationKind::kHardSwish;
  int64_t se_divisor = 8;
  std::optional<ActivationKind> se_activation = ActivationKind::kRelu;  ///< empty: the block's own activation
  NormOptions norm = {.kind = NormKind::kBatchNorm, .eps = 1e-3};       ///< torchvision, NetsPresso, timm's tf_*
  bool same_padding = false;                                            ///< TensorFlow SAME where there is a stride
  FeatureLevels feature_levels = FeatureLevels::kStages;
  int64_t head_channels = 0;  ///< lucid's `last_channels`: width of the head's hidden layer; 0: not said
};

/// Reads `model.architecture.backbone` (keys: docs/configuration.md). Every problem is recorded in the node; the result
/// is complete only if there was none.
MobileNetV3Config decode_mobilenetv3(const ConfigNode& backbone);

/// Levels of the pyramid with value = kNone.
FeaturePyramid mobilenetv3_features(const MobileNetV3Config& config);

/// Adds stem, blocks and last convolution: [N, in_channels, H, W] -> pyramid, coarsest level
/// [N, last_conv_channels, ceil(H / stride), ceil(W / stride)]. Throws GraphError.
FeaturePyramid build_mobilenetv3(graph::GraphBuilder& builder, const MobileNetV3Config& config);

/// Decoder for the registry.
BackboneDefinition define_mobilenetv3(const ConfigNode& backbone);

}  // namespace zoo::backbones
