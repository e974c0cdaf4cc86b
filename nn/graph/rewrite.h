// A graph under reconstruction, for the passes. Internal to nn/graph.
#pragma once

#include <vector>

#include "nn/graph/graph.h"
#include "nn/graph/passes.h"

namespace zoo::graph {

/// Edits a copy of a graph. Node ids stay those of the original until `finish`; every edit leaves the readers of every
/// value known, so patterns can be matched between edits. Nodes may come to read values of higher ids; `finish` puts
/// them in order again.
class Rewrite {
 public:
  explicit Rewrite(const Graph& graph);

  /// Ids run from 0 to size() - 1, removed nodes included.
  NodeId size() const { return static_cast<NodeId>(graph_.nodes.size()); }
  bool removed(NodeId id) const { return removed_[static_cast<size_t>(id)]; }
  const Node& node(NodeId id) const { return graph_[id]; }
  /// Nodes that read the value (twice if they use it twice) plus outputs that hand it out.
  size_t uses(NodeId id) const;
  /// The operation if it is a `Kind`, or nullptr.
  template <typename Kind>
  const Kind* get_if(NodeId id) const {
    return removed(id) ? nullptr : std::get_if<Kind>(&graph_[id].op);
  }

  /// Changes what a node does, keeping its name.
  void set_op(NodeId id, const Op& op) { graph_.nodes[static_cast<size_t>(id)].op = op; }
  void set_inputs(NodeId id, std::vector<NodeId> inputs);
  /// Removes a node of which `by` does the work from now on: whoever used its value uses that of `by`.
  void replace(NodeId id, NodeId by);
  /// Removes a node that nothing uses, then those of its sources that nothing uses any more. Never the Input.
  void remove_unused(NodeId id);
  /// Appends a node.
  NodeId add(Node node);

  std::vector<Parameter>& parameters() { return graph_.parameters; }
  const std::vector<Parameter>& parameters() const { return graph_.parameters; }

  /// The remaining nodes in topological order (as near to the original order as possible), renumbered.
  Graph finish() const;

 private:
  void detach(NodeId id);
  std::vector<NodeId> execution_order() const;

  Graph graph_;
  std::vector<std::vector<NodeId>> readers_;
  std::vector<size_t> output_uses_;
  std::vector<bool> removed_;
};

/// Appends a parameter and its values.
ParameterId add_parameter(std::vector<Parameter>& parameters, ParameterValues& values, Parameter added,
                          ValueVector numbers);

/// The same with empty views for the parameters that no node uses.
BoundGraph without_unused_values(BoundGraph network);

}  // namespace zoo::graph
