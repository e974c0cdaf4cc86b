// MobileNetV2 (Sandler et al. 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", arXiv:1801.04381). No
// trainer has a schema for it: ours follows the trainer's MobileNetV3.
#pragma once

#include "backbones/inverted_residual_net.h"
#include "backbones/registry.h"
#include "nn/core/config_node.h"

namespace zoo::backbones {

/// Reads `model.architecture.backbone` (keys: docs/configuration.md). Every problem is recorded in the node; the result
/// is complete only if there was none.
InvertedResidualNetConfig decode_mobilenetv2(const ConfigNode& backbone);

/// Decoder for the registry.
BackboneDefinition define_mobilenetv2(const ConfigNode& backbone);

}  // namespace zoo::backbones
