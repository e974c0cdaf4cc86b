#include "nn/graph/node_check.h"

#include <fmt/format.h>

#include "nn/graph/op_traits_layers.h"
#include "nn/graph/op_traits_maps.h"

namespace zoo::graph {
GraphError node_error(const Node& node, std::string_view problem) {
  return GraphError(fmt::format("node \"{}\" ({}): {}", node.name, op_name(node.op), problem));
}

void check_extents(const Node& node, std::string_view what, const Shape& shape) {
  int64_t elements = 1;
  for (const int64_t extent : shape.dims) {
    if (extent < 1) throw node_error(node, fmt::format("{} {} is empty", what, shape.to_string()));
    if (extent > kMaxElements / elements) {
      throw node_error(node, fmt::format("{} {} has more than {} elements", what, shape.to_string(), kMaxElements));
    }
    elements *= extent;
  }
}

void check_attributes(const Node& node) {
  const AttributeCheck check(node);
  std::visit([&check]<typename Typed>(const Typed& typed) { OpTraits<Typed>::check(typed, check); }, node.op);
}

}  // namespace zoo::graph
