// Which part of the network a node belongs to. Internal to nn/graph.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "nn/graph/describe.h"
#include "nn/graph/graph.h"

namespace zoo::graph {

/// "backbone.stage1" of "backbone.stage1.block0"; empty where there is no dot.
std::string_view parent_of(std::string_view name);

/// Per node the name of its part, see block_rows (describe.h); with kEverything its own name. The graph must outlive
/// the result.
std::vector<std::string_view> part_names(const Graph& graph, int depth);

/// What a part does, `rows` being the graph's layer_rows: "3 Conv2d, MultiQueryAttention, Add" in order of appearance,
/// of a single operation its attributes, too: "Conv2d 3x3 s2 p1 3->16". Norms and activations, which follow most
/// layers, are named only where there is nothing else.
std::string contents_of(const Graph& graph, const std::vector<LayerRow>& rows, const std::vector<NodeId>& nodes);

}  // namespace zoo::graph
