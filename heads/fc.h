// NetsPresso Trainer's `fc` classification head: global mean, then fully connected layers.
#pragma once

#include <cstdint>
#include <vector>

#include "heads/hidden_layers.h"
#include "heads/registry.h"
#include "nn/core/config_node.h"
#include "nn/graph/graph_builder.h"

namespace zoo::heads {

/// A decoded head.
struct FcConfig {
  int64_t num_classes = 0;
  HiddenLayers hidden = {};
  bool intermediate_bias = true;  ///< timm's mobilenetv3_rw has hidden layers without bias
};

/// Reads `model.architecture.head` (keys: docs/configuration.md). Every problem is recorded in the node.
FcConfig decode_fc(const ConfigNode& head, const HeadContext& context);

/// Reads the coarsest level: [N, C, H, W] -> mean [N, C] -> (linear, activation) x (num_layers - 1) -> linear
/// [N, num_classes], handed out as "logits". Throws GraphError.
void build_fc(graph::GraphBuilder& builder, const std::vector<FeatureLevel>& features, const FcConfig& config);

/// Decoder for the registry.
HeadDefinition define_fc(const ConfigNode& head, const HeadContext& context);

}  // namespace zoo::heads
