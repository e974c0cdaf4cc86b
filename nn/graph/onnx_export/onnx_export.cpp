#include "nn/graph/onnx_export/onnx_export.h"

#include "nn/graph/onnx_export/model_writer.h"
#include "nn/graph/onnx_export/node_writer.h"

namespace zoo::onnx_export {
namespace {

graph::BoundGraph with_outputs(const graph::BoundGraph& network, const std::vector<std::string>& outputs) {
  if (outputs.empty()) return network;
  return {graph::select_outputs(network.graph, outputs), network.values};
}

/// Name of every node's value: of the input, of the first output that hands it out, else the node's own.
std::vector<std::string> value_names(const graph::Graph& graph) {
  std::vector<std::string> names;
  names.reserve(graph.nodes.size());
  for (const graph::Node& node : graph.nodes) names.push_back(node.name);
  names.front() = "input";
  for (auto output = graph.outputs.rbegin(); output != graph.outputs.rend(); ++output) {
    if (output->node != 0) names[static_cast<size_t>(output->node)] = output->name;
  }
  return names;
}

}  // namespace

std::string to_onnx(const graph::BoundGraph& network, const Options& options) {
  const graph::BoundGraph folded = graph::fold_affine(graph::lower_blur_pools(with_outputs(network, options.outputs)));
  const std::vector<Shape> shapes = graph::infer_shapes(folded.graph, options.input);
  const std::vector<std::string> names = value_names(folded.graph);

  ModelWriter model(options);
  NodeWriter nodes(folded, shapes, model);
  for (size_t id = 0; id < names.size(); ++id) nodes.write(static_cast<graph::NodeId>(id), names[id]);
  for (const graph::Output& output : folded.graph.outputs) {
    const auto node = static_cast<size_t>(output.node);
    if (names[node] != output.name) model.add_node("Identity", output.name, {names[node]});
    model.add_output(output.name, shapes[node]);
  }
  return model.finish();
}

}  // namespace zoo::onnx_export
