// MobileNetV1 (Howard et al. 2017, "MobileNets", arXiv:1704.04861) as in timm and lucid. No trainer has a schema for
// it: ours follows the trainer's MobileNetV3.
#pragma once

#include "backbones/inverted_residual_net.h"
#include "backbones/registry.h"
#include "nn/core/config_node.h"

namespace zoo::backbones {

/// Reads `model.architecture.backbone` (keys: docs/configuration.md); widths are those of the result, the multiplier
/// applied. Every problem is recorded in the node; the result is complete only if there was none.
InvertedResidualNetConfig decode_mobilenetv1(const ConfigNode& backbone);

/// Decoder for the registry.
BackboneDefinition define_mobilenetv1(const ConfigNode& backbone);

}  // namespace zoo::backbones
