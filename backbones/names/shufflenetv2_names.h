// How NetsPresso Trainer and torchvision name ShuffleNetV2 in their checkpoints.
#pragma once

#include "nn/core/network_names.h"

namespace zoo::backbones {

FamilyNaming shufflenetv2_netspresso();
FamilyNaming shufflenetv2_torchvision();

FamilyNames shufflenetv2_names();

}  // namespace zoo::backbones
