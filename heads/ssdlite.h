// SSDLite detection head (Sandler et al. 2018, arXiv:1801.04381, section 6.2) as in torchvision: coarser levels made of
// the backbone's last one, a depthwise separable predictor of classes and one of boxes per level.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "heads/conv_norm_act.h"
#include "heads/default_boxes.h"
#include "heads/registry.h"
#include "nn/core/config_node.h"
#include "nn/graph/graph_builder.h"

namespace zoo::heads {

/// A decoded head; the defaults are those of torchvision's ssdlite320.
struct SsdLiteConfig {
  int64_t num_classes = 0;     ///< background included
  std::vector<size_t> levels;  ///< indices of the backbone's levels it reads, finest first
  /// Widths of the levels it makes itself, each of half the resolution of the level before.
  std::vector<int64_t> extra_channels = {512, 256, 256, 128};
  NormActOptions norm_act = {.norm_eps = 1e-3, .activation = ActivationKind::kRelu6};
  DefaultBoxOptions boxes;
};

/// Reads `model.architecture.head` (keys: docs/configuration.md). Every problem is recorded in the node.
SsdLiteConfig decode_ssdlite(const ConfigNode& head, const HeadContext& context);

/// Hands out "extra.K" (the levels it makes), and for every level "cls_logits.K" [N, boxes * num_classes, H, W] and
/// "bbox_regression.K" [N, boxes * 4, H, W]. Throws GraphError.
void build_ssdlite(graph::GraphBuilder& builder, const std::vector<FeatureLevel>& features,
                   const SsdLiteConfig& config);

/// How those maps become detections.
DetectionDecoding ssdlite_decoding(const SsdLiteConfig& config);

/// Decoder for the registry.
HeadDefinition define_ssdlite(const ConfigNode& head, const HeadContext& context);

}  // namespace zoo::heads
