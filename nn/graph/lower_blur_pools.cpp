#include <utility>

#include <fmt/format.h>

#include "nn/graph/node_check.h"
#include "nn/graph/passes.h"
#include "nn/graph/rewrite.h"

namespace zoo::graph {
namespace {

/// The filter of every channel, [channels, 1, k, k].
ValueVector blur_weights(int64_t channels) {
  ValueVector weights;
  for (int64_t c = 0; c < channels; ++c) {
    for (const double row : kBlurFilter) {
      for (const double column : kBlurFilter) weights.push_back(static_cast<float>(row * column));
    }
  }
  return weights;
}

}  // namespace

BoundGraph lower_blur_pools(const BoundGraph& network) {
  BoundGraph result = network;
  for (Node& node : result.graph.nodes) {
    const auto* blur = std::get_if<BlurPool2d>(&node.op);
    if (blur == nullptr) continue;
    constexpr auto kTaps = static_cast<int64_t>(kBlurFilter.size());
    const Shape shape{blur->channels, 1, kTaps, kTaps};
    check_extents(node, "weight", shape);
    Conv2d conv;
    conv.in_channels = conv.out_channels = conv.groups = blur->channels;
    conv.kernel = {kTaps, kTaps};
    conv.stride = blur->stride;
    conv.pad = {kTaps / 2, kTaps / 2};
    conv.weight = add_parameter(result.graph.parameters, result.values,
                                {fmt::format("{}.filter", node.name), shape, {}}, blur_weights(blur->channels));
    node.op = conv;
  }
  return result;
}

}  // namespace zoo::graph
