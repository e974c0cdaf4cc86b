#include "backbones/names/mobilenet_names.h"

namespace zoo::backbones {

FamilyNames mobilenetv1_names() {
  return {{Ecosystem::kNetsPresso, netspresso_heads_only()},
          {Ecosystem::kTorchvision, torchvision_heads_only()},
          {Ecosystem::kTimm, mobilenetv1_timm()}};
}

FamilyNames mobilenetv3_names() {
  return {{Ecosystem::kNetsPresso, mobilenetv3_netspresso()},
          {Ecosystem::kTorchvision, mobilenetv3_torchvision()},
          {Ecosystem::kTimm, mobilenetv3_timm()}};
}

FamilyNames mobilenetv4_names() {
  return {{Ecosystem::kNetsPresso, mobilenetv4_netspresso()},
          {Ecosystem::kTorchvision, torchvision_heads_only()},
          {Ecosystem::kTimm, mobilenetv3_timm()}};
}

}  // namespace zoo::backbones
