// A network as data: nodes in topological order, each yielding one value.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nn/core/parameter.h"
#include "nn/core/shape.h"
#include "nn/graph/op.h"

namespace zoo::graph {

/// A node and the value it yields have the same index.
using NodeId = int32_t;

struct Node {
  std::string name;  ///< unique, e.g. `backbone.stage1.block0.expand.conv`
  Op op;
  std::vector<NodeId> inputs;  ///< all smaller than the node's own index
  /// The node of the graph as built that yields this node's value, where a pass has moved that node's work into this
  /// one; empty: the node itself. Unlike `name` it tells what the value is, whatever was fused.
  std::string yields = {};

  const std::string& value_name() const { return yields.empty() ? name : yields; }
};

/// A value the network hands out.
struct Output {
  std::string name;  ///< "logits", "feature.0", ...
  NodeId node = kNone;
};

/// Plain data; node 0 is the only Input. Immutable once built, so it may be shared between threads.
struct Graph {
  std::vector<Node> nodes;
  std::vector<Parameter> parameters;
  std::vector<Output> outputs;

  const Node& operator[](NodeId id) const { return nodes[static_cast<size_t>(id)]; }
  const Parameter& parameter(ParameterId id) const { return parameters[static_cast<size_t>(id)]; }
  /// Channels of the image the network expects.
  int64_t in_channels() const;
};

/// Shape of every node's value for an input [N, C, H, W]. Throws GraphError naming the node and the shapes when an
/// operation does not fit (kernel larger than the padded input, wrong channels), a value would be empty or have more
/// than 2^31 elements, or the graph is not in topological order.
std::vector<Shape> infer_shapes(const Graph& graph, const Shape& input);

/// Extra zeros before (top, left) and after (bottom, right) of a convolution for this input size.
struct ResolvedPadding {
  Size2d begin = {0, 0};
  Size2d end = {0, 0};
};
ResolvedPadding resolve_padding(const Conv2d& conv, Size2d input);

/// Where a row or column of a Resize comes from: (1 - weight) * src[first] + weight * src[second].
struct ResizeTap {
  int64_t first = 0;
  int64_t second = 0;
  float weight = 0.0F;  ///< 0 for kNearest
};
/// One tap per output index along an axis of `src` values that becomes `dst` long.
std::vector<ResizeTap> resize_taps(ResizeMode mode, int64_t src, int64_t dst);

/// Whether training moves a parameter: weights and biases, norms' included; not the running statistics.
bool is_trainable(const Parameter& parameter);

/// Trainable values of the parameters that nodes read, each parameter counted once.
int64_t parameter_count(const Graph& graph);

/// Multiply-accumulates of every node (convolutions and linear layers; other operations count 0) for these shapes.
std::vector<int64_t> multiply_accumulates(const Graph& graph, const std::vector<Shape>& shapes);

/// Multiply-accumulates of the two matrix products of every MultiQueryAttention (0 for other nodes), which tables of
/// published networks list apart or leave out.
std::vector<int64_t> attention_multiply_accumulates(const Graph& graph, const std::vector<Shape>& shapes);

/// The graph with only what `outputs` (names) need, handing them out in this order. The Input stays node 0 and
/// parameters keep their ids; other nodes are renumbered. Throws GraphError for an unknown name.
Graph select_outputs(const Graph& graph, const std::vector<std::string>& outputs);

}  // namespace zoo::graph
