// Reading the blocks of a MobileNetV4 from either form of model file. Internal to the family.
#pragma once

#include <cstdint>

#include "backbones/block_chain.h"
#include "backbones/mobilenetv4.h"
#include "nn/core/config_node.h"

namespace zoo::backbones {

/// How the libraries read the same row differently.
struct MobileNetV4RowRules {
  bool layer_scale = false;      ///< on every uir and mmqa
  bool stride_on_start = false;  ///< of a uir without middle depthwise convolution (timm); else it has none
  bool always_expand = false;    ///< a uir has an expand convolution also where hidden = in (timm)
  bool fused_skip = false;       ///< a fi adds its input where stride is 1 and the channels agree (timm)
};

/// The trainer's `stage_params`: a list of stages, a stage being a list of rows `conv`, `fi`, `uir`, `mmqa`. Problems
/// are recorded in the nodes; rows that are not rows are left out, and values that could not be read are 0.
MobileNetV4Stages decode_mobilenetv4_stages(const ConfigNode& stage_params, const MobileNetV4RowRules& rules,
                                            BlockChain& chain);

/// lucid's `cfg` map: conv0 becomes the stem, every layerN a stage. `residual`: fused_ib and uib add their input where
/// stride is 1 and the channels agree; `activation` is that of the whole network.
void decode_mobilenetv4_cfg(const ConfigNode& cfg, bool residual, MobileNetV4Config& config);

}  // namespace zoo::backbones
