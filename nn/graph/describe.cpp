#include "nn/graph/describe.h"

#include "nn/graph/op_traits_layers.h"
#include "nn/graph/op_traits_maps.h"

namespace zoo::graph {
namespace {

std::string attributes_text(const Node& node) {
  return std::visit([&node]<typename Typed>(const Typed& typed) { return OpTraits<Typed>::text(typed, node); },
                    node.op);
}

}  // namespace

std::vector<LayerRow> layer_rows(const Graph& graph, const Shape& input) {
  const std::vector<Shape> shapes = infer_shapes(graph, input);
  const std::vector<int64_t> macs = multiply_accumulates(graph, shapes);
  std::vector<bool> counted(graph.parameters.size(), false);

  std::vector<LayerRow> rows;
  rows.reserve(graph.nodes.size());
  for (size_t id = 0; id < graph.nodes.size(); ++id) {
    const Node& node = graph.nodes[id];
    LayerRow row{node.name, std::string(op_name(node.op)), attributes_text(node), shapes[id], 0, macs[id]};
    for (const ParameterId parameter : parameters_of(node.op)) {
      if (counted[static_cast<size_t>(parameter)] || !is_trainable(graph.parameter(parameter))) continue;
      counted[static_cast<size_t>(parameter)] = true;
      row.parameters += graph.parameter(parameter).shape.elements();
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace zoo::graph
