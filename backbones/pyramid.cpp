#include "backbones/pyramid.h"

#include <array>
#include <string>
#include <vector>

namespace zoo::backbones {
namespace {

constexpr std::array kFeatureLevels = {FeatureLevels::kStages, FeatureLevels::kStrides, FeatureLevels::kBlocks};

}  // namespace

FeatureLevels decode_feature_levels(const ConfigNode& node, FeatureLevels fallback) {
  if (!node) return fallback;
  const std::array<std::string, 3> choices = {"stages", "strides", "blocks"};  // as kFeatureLevels
  const auto choice = node.as_choice(choices, "feature levels");
  return choice ? kFeatureLevels[*choice] : fallback;
}

FeaturePyramid select_levels(const FeaturePyramid& values, std::span<const size_t> stage_lengths,
                             FeatureLevels levels) {
  FeaturePyramid pyramid;
  switch (levels) {
    case FeatureLevels::kBlocks:
      return values;
    case FeatureLevels::kStrides:
      for (const FeatureInfo& value : values) {
        if (!pyramid.empty() && pyramid.back().stride == value.stride) pyramid.pop_back();
        pyramid.push_back(value);
      }
      break;
    case FeatureLevels::kStages: {
      size_t last = 0;
      for (const size_t length : stage_lengths) pyramid.push_back(values[last += length]);
      pyramid.back() = values.back();
      break;
    }
  }
  return pyramid;
}

}  // namespace zoo::backbones
