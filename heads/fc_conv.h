// NetsPresso Trainer's `fc_conv` classification head: 1x1 convolutions with normalisation, then a classifier. With its
// two orders of pooling it is also the `conv_head` of timm's MobileNetV4 (after the pooling) and of its MobileNetV1 and
// V2 (before the pooling).
#pragma once

#include <cstdint>
#include <vector>

#include "heads/hidden_layers.h"
#include "heads/registry.h"
#include "nn/core/activation.h"
#include "nn/core/config_node.h"
#include "nn/graph/graph_builder.h"

namespace zoo::heads {

/// Where the mean over height and width is taken.
enum class PoolPosition {
  kFirst,  ///< before the convolutions (NetsPresso Trainer, MobileNetV4)
  kLast,   ///< between the convolutions and the classifier (MobileNetV1 and V2)
};

/// A decoded head.
struct FcConvConfig {
  int64_t num_classes = 0;
  HiddenLayers hidden = {};
  PoolPosition pool = PoolPosition::kFirst;
  NormKind norm = NormKind::kBatchNorm;
  double norm_eps = 1e-5;  ///< torch's default, which every library keeps in its heads
};

/// Reads `model.architecture.head` (keys: docs/configuration.md). Every problem is recorded in the node.
FcConvConfig decode_fc_conv(const ConfigNode& head, const HeadContext& context);

/// Reads the coarsest level: [N, C, H, W] -> mean, (convolution without bias, norm, activation) x (num_layers - 1),
/// classifier with bias -> [N, num_classes], handed out as "logits". Throws GraphError.
void build_fc_conv(graph::GraphBuilder& builder, const std::vector<FeatureLevel>& features, const FcConvConfig& config);

/// Decoder for the registry.
HeadDefinition define_fc_conv(const ConfigNode& head, const HeadContext& context);

}  // namespace zoo::heads
