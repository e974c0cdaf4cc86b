// LR-ASPP segmentation head (Howard et al. 2019, arXiv:1905.02244, section 6.4) as in torchvision.
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
struct LrAsppConfig {
  int64_t num_classes = 0;  ///< background included
  size_t low = 0;           ///< index of the finer level
  size_t high = 0;          ///< index of the coarser level
  int64_t inter_channels = 128;
  NormActOptions norm_act;
};

/// Reads `model.architecture.head` (keys: docs/configuration.md). Every problem is recorded in the node.
LrAsppConfig decode_lraspp(const ConfigNode& head, const HeadContext& context);

/// low [N, C, H', W'], high [N, D, H", W"] -> "logits" [N, num_classes, H, W] at the size of the graph's input.
/// Throws GraphError.
void build_lraspp(graph::GraphBuilder& builder, const std::vector<FeatureLevel>& features, const LrAsppConfig& config);

/// Decoder for the registry.
HeadDefinition define_lraspp(const ConfigNode& head, const HeadContext& context);

}  // namespace zoo::heads
