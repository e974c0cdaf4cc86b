// How NetsPresso Trainer, timm and torchvision name the MobileNets in their checkpoints.
#pragma once

#include "nn/core/network_names.h"

namespace zoo::backbones {

/// One function per ecosystem and structure, each in a file of its own.
FamilyNaming mobilenetv3_netspresso();
FamilyNaming mobilenetv4_netspresso();
FamilyNaming mobilenetv1_timm();  ///< also MobileNetV2
FamilyNaming mobilenetv3_timm();  ///< also MobileNetV4
FamilyNaming mobilenetv3_torchvision();

/// Of families that the ecosystem has not, but of which heads and necks go by its names.
FamilyNaming netspresso_heads_only();
FamilyNaming torchvision_heads_only();

/// The names of a family.
FamilyNames mobilenetv1_names();  ///< also MobileNetV2
FamilyNames mobilenetv3_names();
FamilyNames mobilenetv4_names();

}  // namespace zoo::backbones
