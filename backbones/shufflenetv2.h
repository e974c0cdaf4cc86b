// ShuffleNetV2 (Ma et al. 2018, "ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design",
// arXiv:1807.11164): stem, pooling, stages of blocks that work on half of the channels, and maybe a last convolution.
#pragma once

#include <cstdint>
#include <vector>

#include "backbones/blocks.h"
#include "backbones/pyramid.h"
#include "backbones/registry.h"
#include "nn/core/activation.h"
#include "nn/core/config_node.h"

namespace zoo::backbones {

/// In what the two implementations differ.
enum class ShuffleForm {
  /// NetsPresso Trainer: a block shuffles what it reads; where it has a stride, the projection keeps its channels and
  /// the
  /// main branch yields the rest.
  kTrainer,
  /// torchvision: a block shuffles what it yields, to which both branches contribute one half.
  kTorchvision,
};

struct ShuffleBlock {
  int64_t in_channels = 0;
  int64_t out_channels = 0;  ///< even; those of the input where the stride is 1
  int64_t kernel = 3;
  int64_t stride = 1;
};

/// A decoded network.
struct ShuffleNetV2Config {
  ShuffleForm form = ShuffleForm::kTrainer;
  int64_t in_channels = 3;
  int64_t stem_channels = 24;
  ActivationKind activation = ActivationKind::kRelu;
  std::vector<std::vector<ShuffleBlock>> stages;
  int64_t last_conv_channels = 0;  ///< 0: there is no last convolution
  NormOptions norm = {};
  FeatureSelection feature_levels;
  std::vector<size_t> returned_levels;  ///< BackboneDefinition::returned_levels
};

/// Reads `model.architecture.backbone` (keys: docs/configuration.md). Every problem is recorded in the node; the result
/// is complete only if there was none.
ShuffleNetV2Config decode_shufflenetv2(const ConfigNode& backbone);

/// Adds the network: [N, in_channels, H, W] -> pyramid. Throws GraphError.
FeaturePyramid build_shufflenetv2(graph::GraphBuilder& builder, const ShuffleNetV2Config& config);

/// Decoder for the registry.
BackboneDefinition define_shufflenetv2(const ConfigNode& backbone);

}  // namespace zoo::backbones
