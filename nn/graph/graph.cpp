#include "nn/graph/graph.h"

#include <algorithm>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/graph/op_traits_layers.h"
#include "nn/graph/op_traits_maps.h"

namespace zoo::graph {
namespace {

/// Multiply-accumulates that yield one image of the batch.
int64_t macs_per_image(const Op& op, const Shape& dst) {
  return std::visit([&dst]<typename Typed>(const Typed& typed) { return OpTraits<Typed>::macs(typed, dst); }, op);
}

const Output& find_output(const Graph& graph, const std::string& name) {
  const auto same = [&](const Output& output) { return output.name == name; };
  const auto found = std::find_if(graph.outputs.begin(), graph.outputs.end(), same);
  if (found != graph.outputs.end()) return *found;

  std::string known;
  for (const Output& output : graph.outputs) known += fmt::format("{}\"{}\"", known.empty() ? "" : ", ", output.name);
  throw GraphError(fmt::format("output \"{}\" does not exist; the graph has {}", name, known.empty() ? "none" : known));
}

}  // namespace

int64_t Graph::in_channels() const {
  const Input* input = nodes.empty() ? nullptr : std::get_if<Input>(&nodes.front().op);
  if (input == nullptr) throw GraphError("the first node of the graph is not an Input");
  return input->channels;
}

int64_t parameter_count(const Graph& graph) {
  std::vector<bool> used(graph.parameters.size(), false);
  for (const Node& node : graph.nodes) {
    for (const ParameterId id : parameters_of(node.op)) used[static_cast<size_t>(id)] = true;
  }
  int64_t count = 0;
  for (size_t id = 0; id < used.size(); ++id) {
    if (used[id] && is_trainable(graph.parameters[id])) count += graph.parameters[id].shape.elements();
  }
  return count;
}

bool is_trainable(const Parameter& parameter) {
  const Field field = parameter.role.field;
  return field != Field::kRunningMean && field != Field::kRunningVar;
}

std::vector<int64_t> multiply_accumulates(const Graph& graph, const std::vector<Shape>& shapes) {
  std::vector<int64_t> macs;
  macs.reserve(graph.nodes.size());
  for (size_t id = 0; id < graph.nodes.size(); ++id) {
    macs.push_back(shapes[id][0] * macs_per_image(graph.nodes[id].op, shapes[id]));
  }
  return macs;
}

std::vector<int64_t> attention_multiply_accumulates(const Graph& graph, const std::vector<Shape>& shapes) {
  std::vector<int64_t> macs(graph.nodes.size(), 0);
  for (size_t id = 0; id < graph.nodes.size(); ++id) {
    const Node& node = graph.nodes[id];
    const auto* attention = std::get_if<MultiQueryAttention>(&node.op);
    if (attention == nullptr) continue;
    const Shape& query = shapes[id];
    const Shape& key = shapes[static_cast<size_t>(node.inputs[1])];
    macs[id] = query[0] * attention->heads * query[2] * query[3] * key[2] * key[3] *
               (attention->key_dim + attention->value_dim);
  }
  return macs;
}

Graph select_outputs(const Graph& graph, const std::vector<std::string>& outputs) {
  Graph selected;
  selected.parameters = graph.parameters;
  for (const std::string& name : outputs) selected.outputs.push_back(find_output(graph, name));

  std::vector<bool> needed(graph.nodes.size(), false);
  if (!needed.empty()) needed.front() = true;
  for (const Output& output : selected.outputs) needed[static_cast<size_t>(output.node)] = true;
  for (size_t id = graph.nodes.size(); id-- > 0;) {
    if (!needed[id]) continue;
    for (const NodeId source : graph.nodes[id].inputs) needed[static_cast<size_t>(source)] = true;
  }

  std::vector<NodeId> new_ids(graph.nodes.size(), kNone);
  for (size_t id = 0; id < graph.nodes.size(); ++id) {
    if (!needed[id]) continue;
    new_ids[id] = static_cast<NodeId>(selected.nodes.size());
    Node& node = selected.nodes.emplace_back(graph.nodes[id]);
    for (NodeId& source : node.inputs) source = new_ids[static_cast<size_t>(source)];
  }
  for (Output& output : selected.outputs) output.node = new_ids[static_cast<size_t>(output.node)];
  return selected;
}

}  // namespace zoo::graph
