// DeepLabV3 segmentation head: atrous spatial pyramid pooling (Chen et al. 2017, "Rethinking Atrous Convolution",
// arXiv:1706.05587) as in torchvision.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "heads/conv_norm_act.h"
#include "heads/registry.h"
#include "nn/core/config_node.h"
#include "nn/graph/graph_builder.h"

namespace zoo::heads {

/// A decoded head; the defaults are torchvision's.
struct DeepLabV3Config {
  int64_t num_classes = 0;  ///< background included
  size_t level = 0;         ///< index of the level it reads
  std::vector<int64_t> atrous_rates = {12, 24, 36};
  int64_t channels = 256;  ///< of every branch and of what follows
  NormActOptions norm_act;
};

/// Reads `model.architecture.head` (keys: docs/configuration.md). Every problem is recorded in the node.
DeepLabV3Config decode_deeplabv3(const ConfigNode& head, const HeadContext& context);

/// Branches 1x1, one 3x3 per atrous rate, and the global mean; joined by 1x1, refined by 3x3, classified.
/// [N, C, H', W'] -> "logits" [N, num_classes, H, W] at the size of the graph's input. Throws GraphError.
void build_deeplabv3(graph::GraphBuilder& builder, const std::vector<FeatureLevel>& features,
                     const DeepLabV3Config& config);

/// Decoder for the registry.
HeadDefinition define_deeplabv3(const ConfigNode& head, const HeadContext& context);

}  // namespace zoo::heads
