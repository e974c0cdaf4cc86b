// Runs small graphs in double precision with plain loops, so that tests can compare a graph before and after a pass.
#pragma once

#include <cstdint>
#include <vector>

#include "nn/core/tensor.h"
#include "nn/graph/passes.h"

namespace zoo::graph::testing {

/// Uniform values in [-1, 1] (statistics in [0.5, 1.5]) for every parameter, the same for the same seed.
BoundGraph with_random_values(Graph graph, uint32_t seed);

/// Uniform values in [-1, 1].
Tensor random_tensor(const Shape& shape, uint32_t seed);

/// Values of every output, in the order of `graph.outputs`.
std::vector<std::vector<double>> evaluate(const BoundGraph& network, const Tensor& input);

/// Fails the current test at the first pair of values that differ by more than `tolerance` of the largest.
void expect_same_outputs(const BoundGraph& expected, const BoundGraph& actual, const Tensor& input, double tolerance);

/// The node of this name; throws if there is none.
const Node& find_node(const Graph& graph, std::string_view name);

/// Names of all nodes, in order.
std::vector<std::string> node_names(const Graph& graph);

}  // namespace zoo::graph::testing
