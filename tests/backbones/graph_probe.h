// What the tests of the backbone families ask of a graph.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>
#include <vector>

#include "backbones/feature_info.h"
#include "nn/graph/graph.h"

namespace zoo::backbones {

/// Channels and stride of every level.
inline std::vector<std::tuple<int64_t, int64_t>> levels(const FeaturePyramid& pyramid) {
  std::vector<std::tuple<int64_t, int64_t>> levels;
  for (const FeatureInfo& level : pyramid) levels.emplace_back(level.channels, level.stride);
  return levels;
}

inline std::vector<std::string> output_nodes(const graph::Graph& graph) {
  std::vector<std::string> names;
  for (const auto& output : graph.outputs) names.push_back(graph[output.node].name);
  return names;
}

inline bool has_node(const graph::Graph& graph, std::string_view name) {
  return std::any_of(graph.nodes.begin(), graph.nodes.end(), [&](const auto& node) { return node.name == name; });
}

template <typename Op>
const Op& op_of(const graph::Graph& graph, std::string_view name) {
  const auto node = std::find_if(graph.nodes.begin(), graph.nodes.end(),
                                 [&](const auto& candidate) { return candidate.name == name; });
  return std::get<Op>(node->op);
}

inline const Parameter& parameter_of(const graph::Graph& graph, std::string_view name) {
  return *std::find_if(graph.parameters.begin(), graph.parameters.end(),
                       [&](const Parameter& parameter) { return parameter.name == name; });
}

}  // namespace zoo::backbones
