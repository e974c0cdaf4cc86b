// Small networks that the fast engine has to compute as the reference engine does, in f32 as in bf16.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "nn/core/shape.h"
#include "nn/graph/graph_builder.h"

namespace zoo::engine {

/// A network of one convolution.
struct ConvCase {
  std::string name;
  int64_t in_channels;
  int64_t out_channels;
  int64_t kernel;
  int64_t stride;
  int64_t dilation = 1;
  int64_t groups = 1;
  graph::PaddingMode padding = graph::PaddingMode::kExplicit;

  graph::ConvOptions options() const;
};

const std::vector<ConvCase>& conv_cases();
/// [N, H, W]
const std::vector<Shape>& conv_sizes();

/// A network around one thing to test: builds from an image of 24 channels.
struct NetworkCase {
  std::string name;
  std::function<void(graph::GraphBuilder&)> build;
};

const std::vector<NetworkCase>& network_cases();

/// Layers with a bias.
graph::NodeId pointwise(graph::GraphBuilder& b, graph::NodeId src, const std::string& name, int64_t channels);
graph::NodeId depthwise(graph::GraphBuilder& b, graph::NodeId src, const std::string& name);
graph::NodeId squeeze_excite(graph::GraphBuilder& b, graph::NodeId src, int64_t squeezed);

}  // namespace zoo::engine
