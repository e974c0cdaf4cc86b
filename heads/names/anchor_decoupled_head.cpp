#include "heads/names/head_names.h"
#include "nn/core/name_table.h"

namespace zoo::heads {

/// Hidden layers are ConvLayers, at the end of a branch is a plain convolution.
HeadNames anchor_decoupled_head_names() {
  const NameTable netspresso{{"anchor_decoupled_head.class_conv", "head.classification_head.conv.{layer}.block.conv",
                              "head.classification_head.conv.{layer}.block.norm"},
                             {"anchor_decoupled_head.class_scores", "head.classification_head.cls_logits"},
                             {"anchor_decoupled_head.box_conv", "head.regression_head.conv.{layer}.block.conv",
                              "head.regression_head.conv.{layer}.block.norm"},
                             {"anchor_decoupled_head.box_offsets", "head.regression_head.bbox_reg"}};
  return {{Ecosystem::kNetsPresso, netspresso}};
}

}  // namespace zoo::heads
