// NetsPresso Trainer's `all_mlp_decoder` segmentation head (SegFormer's, Xie et al. 2021, arXiv:2105.15203).
#pragma once

#include <cstdint>
#include <vector>

#include "heads/registry.h"

namespace zoo::heads {

/// A decoded head.
struct AllMlpDecoderConfig {
  int64_t num_classes = 0;
  int64_t channels = 0;  ///< `intermediate_channels`
};

/// Reads `model.architecture.head` (keys: docs/configuration.md). Every problem is recorded in the node.
AllMlpDecoderConfig decode_all_mlp_decoder(const ConfigNode& head, const HeadContext& context);

/// Every level [N, C_i, H_i, W_i] -> 1x1 convolution, batch norm, ReLU, enlarged to the finest level (bilinear); all
/// joined, fused by one more such layer, classified -> "logits" [N, classes, H_0, W_0]. Throws GraphError.
void build_all_mlp_decoder(graph::GraphBuilder& builder, const std::vector<FeatureLevel>& features,
                           const AllMlpDecoderConfig& config);

/// Decoder for the registry.
HeadDefinition define_all_mlp_decoder(const ConfigNode& head, const HeadContext& context);

}  // namespace zoo::heads
