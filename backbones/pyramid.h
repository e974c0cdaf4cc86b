// Which values of a backbone form its feature pyramid; the same choice for every family.
#pragma once

#include <cstddef>
#include <span>

#include "backbones/feature_info.h"
#include "nn/core/config_node.h"

namespace zoo::backbones {

/// Which values form the feature pyramid.
enum class FeatureLevels {
  kStages,   ///< output of every stage; the last convolution belongs to the last one (NetsPresso Trainer)
  kStrides,  ///< deepest value of every stride, stem and last convolution included (timm's features_only)
  kBlocks,   ///< stem, every block, last convolution (torchvision's `features`)
};

/// The key `feature_levels`; an absent node yields `fallback`.
FeatureLevels decode_feature_levels(const ConfigNode& node, FeatureLevels fallback);

/// The levels among `values`: stem, every block and, if there is one, the last convolution, in order.
/// `stage_lengths` are the stages' numbers of blocks; there is at least one stage.
FeaturePyramid select_levels(const FeaturePyramid& values, std::span<const size_t> stage_lengths, FeatureLevels levels);

}  // namespace zoo::backbones
