// Reading the blocks of a MobileNetV3 from either form of model file. Internal to the family.
#pragma once

#include <cstdint>

#include "backbones/inverted_residual_net.h"
#include "nn/core/config_node.h"

namespace zoo::backbones {

/// What the blocks are checked against and default to.
struct MobileNetV3StageContext {
  int64_t stem_channels = 0;  ///< what the first block reads; 0: unknown
  int64_t se_reduction = 4;
};

/// The trainer's `stage_params`: a list of maps of equally long lists. Problems are recorded in the nodes; a stage with
/// lists of unequal length is empty then, and values that could not be read are 0.
InvertedResidualStages decode_mobilenetv3_stages(const ConfigNode& stage_params,
                                                 const MobileNetV3StageContext& context);

/// lucid's `bottleneck_cfg`: rows [kernel, mid, out, use_se, use_hs, stride] with an optional se_reduction. A row with
/// a stride begins a new stage; rows that are not rows are left out.
InvertedResidualStages decode_bottleneck_rows(const ConfigNode& rows, const MobileNetV3StageContext& context);

}  // namespace zoo::backbones
