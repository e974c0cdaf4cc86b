// MobileNetV3 (Howard et al. 2019, "Searching for MobileNetV3", arXiv:1905.02244) in the forms of NetsPresso Trainer,
// torchvision, timm and lucid.
#pragma once

#include "backbones/inverted_residual_net.h"
#include "backbones/registry.h"
#include "nn/core/config_node.h"

namespace zoo::backbones {

/// Reads `model.architecture.backbone` (keys: docs/configuration.md). Every problem is recorded in the node; the result
/// is complete only if there was none.
InvertedResidualNetConfig decode_mobilenetv3(const ConfigNode& backbone);

/// Decoder for the registry.
BackboneDefinition define_mobilenetv3(const ConfigNode& backbone);

}  // namespace zoo::backbones
