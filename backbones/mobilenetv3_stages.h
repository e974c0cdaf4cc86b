// Reading the blocks of a MobileNetV3 from either form of model file. Internal to the family.
#pragma once

#include <cstdint>
#include <vector>

#include "backbones/mobilenetv3.h"
#include "nn/core/config_node.h"

namespace zoo::backbones {

inline constexpr int64_t kMaxMobileNetV3Channels = 16384;

/// What the blocks are checked against and default to.
struct StageContext {
  int64_t stem_channels = 0;  ///< what the first block reads; 0: unknown
  int64_t se_reduction = 4;
};

using MobileNetV3Stages = std::vector<std::vector<MobileNetV3Block>>;

/// The trainer's `stage_params`: a list of maps of equally long lists. Problems are recorded in the nodes; a stage with
/// lists of unequal length is empty then, and values that could not be read are 0.
MobileNetV3Stages decode_stage_params(const ConfigNode& stage_params, const StageContext& context);

/// lucid's `bottleneck_cfg`: rows [kernel, mid, out, use_se, use_hs, stride] with an optional se_reduction. A row with
/// a stride begins a new stage; rows that are not rows are left out.
MobileNetV3Stages decode_bottleneck_rows(const ConfigNode& rows, const StageContext& context);

}  // namespace zoo::backbones
