#include "nn/graph/describe.h"

#include <tuple>
#include <type_traits>

#include <fmt/format.h>

#include "nn/graph/op_traits_layers.h"
#include "nn/graph/op_traits_maps.h"

namespace zoo::graph {
namespace {

std::string attributes_text(const Node& node) {
  return std::visit([&node]<typename Typed>(const Typed& typed) { return OpTraits<Typed>::text(typed, node); },
                    node.op);
}

/// A field as text; what is no number has its own form.
std::string field_text(Size2d size) { return fmt::format("{}x{}", size.h, size.w); }
std::string field_text(const FusedActivation& function) {
  return fmt::format("{} {}", to_string(function.kind), function.slope);
}
std::string field_text(ResizeMode mode) { return std::string(to_string(mode)); }
std::string field_text(PaddingMode mode) { return fmt::format("{}", static_cast<int>(mode)); }
template <typename Number>
requires std::is_arithmetic_v<Number> std::string field_text(Number number) { return fmt::format("{}", number); }

}  // namespace

std::string every_attribute(const Op& op) {
  return std::visit(
      []<typename Typed>(const Typed& typed) {
        return std::apply(
            [](const auto&... fields) {
              std::string text;
              ((text += field_text(fields) + "; "), ...);
              return text;
            },
            OpTraits<Typed>::fields(typed));
      },
      op);
}

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
