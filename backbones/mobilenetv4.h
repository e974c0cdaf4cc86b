// MobileNetV4 (Qin et al. 2024, "MobileNetV4: Universal Models for the Mobile Ecosystem", arXiv:2404.10518), conv and
// hybrid, in the forms of NetsPresso Trainer, timm and lucid. One description covers them all; what differs between the
// libraries is a field here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

#include "backbones/blocks.h"
#include "backbones/feature_info.h"
#include "backbones/pyramid.h"
#include "backbones/registry.h"
#include "nn/core/activation.h"
#include "nn/core/config_node.h"
#include "nn/graph/graph_builder.h"

namespace zoo::backbones {

/// The trainer's `conv`: convolution, normalisation, activation.
struct MobileNetV4Conv {
  int64_t out_channels = 0;
  int64_t kernel = 3;
  int64_t stride = 1;
};

/// A block as it will be built, but for what all blocks of the network have in common (activation, normalisation,
/// padding, antialiasing), which the builder fills in.
using MobileNetV4Block =
    std::variant<MobileNetV4Conv, FusedInvertedResidualOptions, UniversalBottleneckOptions, AttentionOptions>;

using MobileNetV4Stages = std::vector<std::vector<MobileNetV4Block>>;

/// A decoded backbone; the defaults are the trainer's.
struct MobileNetV4Config {
  int64_t in_channels = 3;
  MobileNetV4Conv stem = {.out_channels = 0, .kernel = 3, .stride = 2};
  MobileNetV4Stages stages;
  MobileNetV4Conv final_conv = {.out_channels = 0, .kernel = 1, .stride = 1};  ///< out_channels 0: there is none
  ActivationKind activation = ActivationKind::kRelu;
  NormOptions norm = {.kind = NormKind::kBatchNorm, .eps = 1e-5};
  bool same_padding = false;  ///< TensorFlow SAME where there is a stride
  Antialias antialias = Antialias::kNone;
  FeatureSelection feature_levels;
  std::vector<size_t> returned_stages;  ///< `return_stage_idx`, ascending
  bool returned_by_default = false;     ///< it was null, so that the last stage alone is returned
};

/// Reads `model.architecture.backbone` (keys: docs/configuration.md). Every problem is recorded in the node; the result
/// is complete only if there was none.
MobileNetV4Config decode_mobilenetv4(const ConfigNode& backbone);

/// What can be a level: stem, every block and before it what its expand convolution yields, final convolution (named
/// `last_conv`); nodes are kNone. Empty if a stage has no blocks.
std::vector<FeatureValue> mobilenetv4_values(const MobileNetV4Config& config);

/// Levels of the pyramid with value = kNone.
FeaturePyramid mobilenetv4_features(const MobileNetV4Config& config);

/// Adds stem, blocks and final convolution: [N, in_channels, H, W] -> pyramid. Throws GraphError.
FeaturePyramid build_mobilenetv4(graph::GraphBuilder& builder, const MobileNetV4Config& config);

/// Decoder for the registry.
BackboneDefinition define_mobilenetv4(const ConfigNode& backbone);

/// Channels that a block yields.
int64_t out_channels_of(const MobileNetV4Block& block);
/// By how much a block makes the resolution smaller.
int64_t stride_of(const MobileNetV4Block& block);

}  // namespace zoo::backbones
