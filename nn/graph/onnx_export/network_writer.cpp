// From a network to an ONNX model, the entry of the module.
#include <string_view>
#include <unordered_map>

#include "nn/core/checked_values.h"
#include "nn/graph/onnx_export/model_writer.h"
#include "nn/graph/onnx_export/node_writer.h"
#include "nn/graph/onnx_export/onnx_module.h"

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

/// The range of every node's value; nullptr for those that stay floats.
std::vector<const ValueRange*> ranges_of(const graph::Graph& graph, const std::vector<ValueRange>& ranges) {
  std::unordered_map<std::string_view, const ValueRange*> by_value;
  for (const ValueRange& range : ranges) by_value.emplace(range.value, &range);
  std::vector<std::vector<graph::NodeId>> readers(graph.nodes.size());
  for (size_t id = 0; id < graph.nodes.size(); ++id) {
    for (const graph::NodeId source : graph.nodes[id].inputs) {
      readers[static_cast<size_t>(source)].push_back(static_cast<graph::NodeId>(id));
    }
  }
  const auto is_relu = [&](graph::NodeId id) {
    const auto* activation = std::get_if<graph::Activation>(&graph[id].op);
    return activation != nullptr &&
           (activation->function.kind == ActivationKind::kRelu || activation->function.kind == ActivationKind::kRelu6);
  };
  std::vector<const ValueRange*> result(graph.nodes.size(), nullptr);
  for (size_t id = 0; id < graph.nodes.size(); ++id) {
    const auto found = by_value.find(id == 0 ? std::string_view("input") : graph.nodes[id].value_name());
    if (found == by_value.end() || readers[id].empty()) continue;
    if (readers[id].size() == 1 && is_relu(readers[id].front())) continue;
    result[id] = found->second;
  }
  return result;
}

std::string write_network(const graph::BoundGraph& network, const Options& options) {
  check_unchanged(network.values);
  const graph::BoundGraph folded = graph::fold_affine(graph::lower_blur_pools(with_outputs(network, options.outputs)));
  const std::vector<Shape> shapes = graph::infer_shapes(folded.graph, options.input);
  const std::vector<std::string> names = value_names(folded.graph);

  ModelWriter model(options);
  NodeWriter nodes(folded, shapes, model);
  const std::vector<const ValueRange*> ranges = ranges_of(folded.graph, options.ranges);
  for (size_t i = 0; i < names.size(); ++i) {
    const auto id = static_cast<graph::NodeId>(i);
    nodes.write(id, names[i]);
    if (ranges[i] != nullptr) nodes.quantize(id, *ranges[i]);
  }
  for (const graph::Output& output : folded.graph.outputs) {
    const auto node = static_cast<size_t>(output.node);
    if (names[node] != output.name) model.add_node("Identity", output.name, {names[node]});
    model.add_output(output.name, shapes[node]);
  }
  return model.finish();
}

}  // namespace
}  // namespace zoo::onnx_export

extern "C" [[gnu::visibility("default")]] const zoo::onnx_export::OnnxModule* zoo_module_onnx() {
  static constexpr zoo::onnx_export::OnnxModule kModule = {zoo::onnx_export::write_network};
  return &kModule;
}
