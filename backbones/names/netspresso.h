// What the names of all families have in common in NetsPresso Trainer.
#pragma once

#include <string>

#include "nn/core/name_table.h"

namespace zoo::backbones {

/// Its ConvLayer: a Sequential called `block` with the entries conv, norm and act.
inline NameRow conv_layer(std::string part, const std::string& module) {
  return {std::move(part), module + ".block.conv", module + ".block.norm", module + ".block.act"};
}

/// A network is a `backbone`, a `neck` and a `head`. Without `backbone`, the trainer has not this one.
inline FamilyNaming netspresso_family(TensorNaming backbone) {
  return {.backbone = std::move(backbone), .sections = {{"head.", Section::kHead}, {"neck.", Section::kNeck}}};
}

}  // namespace zoo::backbones
