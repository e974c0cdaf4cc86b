#include "nn/graph/rewrite.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <queue>
#include <utility>

namespace zoo::graph {
namespace {

size_t index(NodeId id) { return static_cast<size_t>(id); }

}  // namespace

Rewrite::Rewrite(const Graph& graph)
    : graph_(graph), readers_(graph.nodes.size()), output_uses_(graph.nodes.size(), 0), removed_(graph.nodes.size()) {
  for (NodeId id = 0; id < size(); ++id) {
    for (const NodeId source : node(id).inputs) readers_[index(source)].push_back(id);
  }
  for (const Output& output : graph_.outputs) ++output_uses_[index(output.node)];
}

size_t Rewrite::uses(NodeId id) const { return readers_[index(id)].size() + output_uses_[index(id)]; }

void Rewrite::set_inputs(NodeId id, std::vector<NodeId> inputs) {
  detach(id);
  for (const NodeId source : inputs) readers_[index(source)].push_back(id);
  graph_.nodes[index(id)].inputs = std::move(inputs);
}

void Rewrite::replace(NodeId id, NodeId by) {
  graph_.nodes[index(by)].yields = node(id).value_name();
  detach(id);
  removed_[index(id)] = true;
  for (const NodeId reader : std::exchange(readers_[index(id)], {})) {
    std::vector<NodeId>& inputs = graph_.nodes[index(reader)].inputs;
    *std::find(inputs.begin(), inputs.end(), id) = by;
    readers_[index(by)].push_back(reader);
  }
  if (output_uses_[index(id)] == 0) return;
  output_uses_[index(by)] += std::exchange(output_uses_[index(id)], 0);
  for (Output& output : graph_.outputs) {
    if (output.node == id) output.node = by;
  }
}

void Rewrite::remove_unused(NodeId id) {
  std::vector<NodeId> candidates = {id};
  while (!candidates.empty()) {
    const NodeId candidate = candidates.back();
    candidates.pop_back();
    if (candidate == 0 || removed(candidate) || uses(candidate) > 0) continue;
    const std::vector<NodeId> sources = node(candidate).inputs;
    detach(candidate);
    removed_[index(candidate)] = true;
    candidates.insert(candidates.end(), sources.begin(), sources.end());
  }
}

NodeId Rewrite::add(Node node) {
  const NodeId id = size();
  for (const NodeId source : node.inputs) readers_[index(source)].push_back(id);
  graph_.nodes.push_back(std::move(node));
  readers_.emplace_back();
  output_uses_.push_back(0);
  removed_.push_back(false);
  return id;
}

Graph Rewrite::finish() const {
  const std::vector<NodeId> order = execution_order();
  std::vector<NodeId> new_ids(graph_.nodes.size(), kNone);
  for (size_t place = 0; place < order.size(); ++place) new_ids[index(order[place])] = static_cast<NodeId>(place);

  Graph result;
  result.parameters = graph_.parameters;
  result.outputs = graph_.outputs;
  for (Output& output : result.outputs) output.node = new_ids[index(output.node)];
  for (const NodeId id : order) {
    Node& added = result.nodes.emplace_back(node(id));
    for (NodeId& source : added.inputs) source = new_ids[index(source)];
  }
  return result;
}

void Rewrite::detach(NodeId id) {
  for (const NodeId source : std::exchange(graph_.nodes[index(id)].inputs, {})) {
    std::vector<NodeId>& readers = readers_[index(source)];
    readers.erase(std::find(readers.begin(), readers.end(), id));
  }
}

std::vector<NodeId> Rewrite::execution_order() const {
  // Kahn's algorithm; taking the smallest ready id first leaves an ordered graph as it is.
  std::vector<size_t> missing(graph_.nodes.size(), 0);
  std::priority_queue<NodeId, std::vector<NodeId>, std::greater<>> ready;
  for (NodeId id = 0; id < size(); ++id) {
    missing[index(id)] = node(id).inputs.size();
    if (missing[index(id)] == 0 && !removed(id)) ready.push(id);
  }
  std::vector<NodeId> order;
  while (!ready.empty()) {
    const NodeId id = ready.top();
    ready.pop();
    order.push_back(id);
    for (const NodeId reader : readers_[index(id)]) {
      if (--missing[index(reader)] == 0) ready.push(reader);
    }
  }
  return order;
}

ParameterId add_parameter(std::vector<Parameter>& parameters, ParameterValues& values, Parameter added,
                          ValueVector numbers) {
  parameters.push_back(std::move(added));
  const auto owner = std::make_shared<const OwnedValues>(std::move(numbers));
  values.views.emplace_back(owner->values);
  values.owners.push_back(owner);
  return static_cast<ParameterId>(parameters.size() - 1);
}

BoundGraph without_unused_values(BoundGraph network) {
  std::vector<bool> used(network.graph.parameters.size(), false);
  for (const Node& node : network.graph.nodes) {
    for (const ParameterId id : parameters_of(node.op)) used[index(id)] = true;
  }
  for (size_t id = 0; id < used.size(); ++id) {
    if (!used[id]) network.values.views[id] = {};
  }
  return network;
}

}  // namespace zoo::graph
