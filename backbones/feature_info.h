// The contract between backbones and heads: any backbone fits any head.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nn/graph/graph.h"

namespace zoo::backbones {

/// One level of a backbone's feature pyramid: a value [N, channels, ceil(H / stride), ceil(W / stride)]. Where a
/// backbone halves the resolution by average pooling (timm's `aa` models), an odd last row or column is dropped:
/// rounded down.
struct FeatureInfo {
  graph::NodeId value = graph::kNone;
  int64_t channels = 0;
  int64_t stride = 1;
};

/// Finest first; the last is what a classification head reads.
using FeaturePyramid = std::vector<FeatureInfo>;

}  // namespace zoo::backbones
