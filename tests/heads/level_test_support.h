// Levels of a made-up backbone, and what tests of the heads that read them ask of a graph.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "heads/feature_level.h"
#include "nn/core/config_node.h"
#include "nn/core/error.h"
#include "nn/graph/graph_builder.h"

namespace zoo::heads {

/// Levels of strides 4, 8, 16, ... without values.
inline std::vector<FeatureLevel> levels_of(const std::vector<int64_t>& channels) {
  std::vector<FeatureLevel> levels;
  for (const int64_t width : channels) levels.push_back({graph::kNone, width, int64_t{4} << levels.size()});
  return levels;
}

/// The same with a convolution each on the image, called "level0", "level1", ....
inline std::vector<FeatureLevel> add_levels(graph::GraphBuilder& builder, const std::vector<int64_t>& channels) {
  std::vector<FeatureLevel> levels = levels_of(channels);
  for (size_t i = 0; i < levels.size(); ++i) {
    levels[i].value = builder.conv(builder.input(), fmt::format("level{}", i),
                                   {.out_channels = channels[i], .kernel = 3, .stride = levels[i].stride});
  }
  return levels;
}

/// "name(inputs): output shape" of every node behind the levels.
inline std::vector<std::string> structure(const graph::Graph& graph, size_t first, const Shape& input) {
  const auto shapes = infer_shapes(graph, input);
  std::vector<std::string> lines;
  for (size_t id = first; id < graph.nodes.size(); ++id) {
    std::string sources;
    for (const graph::NodeId source : graph.nodes[id].inputs) {
      sources += (sources.empty() ? "" : " ") + graph[source].name;
    }
    lines.push_back(fmt::format("{} {}({}) {}", graph.nodes[id].name, op_name(graph.nodes[id].op), sources,
                                shapes[id].to_string()));
  }
  return lines;
}

/// The text of the ConfigError that `decode` ends in; empty if there is none.
template <typename Decode>
std::string problems_of(const std::string& text, Decode decode) {
  try {
    const ConfigDocument document = ConfigDocument::parse(text, "x.yaml");
    document.root().find("name");
    decode(document.root());
    document.finish();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return {};
}

}  // namespace zoo::heads
