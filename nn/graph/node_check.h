// Checks and error texts shared by the builder, shape inference and the passes. Internal to nn/graph.
#pragma once

#include <cstdint>
#include <string_view>

#include "nn/core/error.h"
#include "nn/graph/graph.h"

namespace zoo::graph {

/// Elements that one value or one parameter may have; keeps every product of this folder inside 63 bits.
inline constexpr int64_t kMaxElements = int64_t{1} << 31;

/// `node "NAME" (OP): PROBLEM`.
GraphError node_error(const Node& node, std::string_view problem);

/// Throws GraphError if an extent is below 1 or the whole has more than kMaxElements; `what` is "output", "weight", ...
void check_extents(const Node& node, std::string_view what, const Shape& shape);

/// Throws GraphError if an attribute of the operation (kernel, groups, channels, eps, ...) makes no sense for any
/// input.
void check_attributes(const Node& node);

}  // namespace zoo::graph
