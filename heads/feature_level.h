// What necks and heads see of a backbone.
#pragma once

#include <cstdint>

#include "nn/graph/graph.h"

namespace zoo::heads {

/// One level a neck or head may read: a value [N, channels, H / stride, W / stride].
struct FeatureLevel {
  graph::NodeId value = graph::kNone;
  int64_t channels = 0;
  int64_t stride = 1;
};

}  // namespace zoo::heads
