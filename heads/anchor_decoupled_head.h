// NetsPresso Trainer's `anchor_decoupled_head`: RetinaNet's class and box branches (Lin et al. 2017, arXiv:1708.02002),
// shared by all levels.
#pragma once

#include <cstdint>
#include <vector>

#include "heads/registry.h"
#include "nn/core/activation.h"

namespace zoo::heads {

/// A decoded head.
struct AnchorDecoupledHeadConfig {
  int64_t num_classes = 0;                        ///< no background among them
  std::vector<std::vector<double>> anchor_sizes;  ///< one list per level, all of the same length
  std::vector<double> aspect_ratios;              ///< height / width
  int64_t num_layers = 0;                         ///< hidden layers of each branch
  NormKind norm = NormKind::kBatchNorm;
  double norm_eps = 1e-5;  ///< torch's default, which the trainer keeps in its heads

  int64_t anchors_per_position() const {
    return anchor_sizes.empty() ? 0 : static_cast<int64_t>(anchor_sizes.front().size() * aspect_ratios.size());
  }
};

/// Reads `model.architecture.head` (keys: docs/configuration.md). Every problem is recorded in the node.
AnchorDecoupledHeadConfig decode_anchor_decoupled_head(const ConfigNode& head, const HeadContext& context);

/// Every level [N, C, H, W] -> "cls_logits.K" [N, anchors * classes, H, W] and "bbox_regression.K"
/// [N, anchors * 4, H, W]: per branch (3x3 convolution, norm, ReLU) x num_layers and a 3x3 convolution. Throws
/// GraphError.
void build_anchor_decoupled_head(graph::GraphBuilder& builder, const std::vector<FeatureLevel>& features,
                                 const AnchorDecoupledHeadConfig& config);

/// Decoder for the registry.
HeadDefinition define_anchor_decoupled_head(const ConfigNode& head, const HeadContext& context);

}  // namespace zoo::heads
