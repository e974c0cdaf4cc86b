#include "nn/graph/describe.h"

#include <tuple>
#include <type_traits>
#include <unordered_map>

#include <fmt/format.h>

#include "nn/graph/op_traits_layers.h"
#include "nn/graph/op_traits_maps.h"
#include "nn/graph/parts.h"

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

std::vector<BlockRow> block_rows(const Graph& graph, const Shape& input, int depth) {
  const std::vector<LayerRow> layers = layer_rows(graph, input);
  const std::vector<std::string_view> names = part_names(graph, depth);
  std::vector<BlockRow> rows;
  std::vector<std::vector<NodeId>> nodes;
  std::unordered_map<std::string_view, size_t> places;
  for (size_t id = 0; id < layers.size(); ++id) {
    const auto [place, is_new] = places.try_emplace(names[id], rows.size());
    if (is_new) {
      rows.push_back({.name = std::string(names[id]), .contents = {}, .output = {}});
      nodes.emplace_back();
    }
    BlockRow& row = rows[place->second];
    nodes[place->second].push_back(static_cast<NodeId>(id));
    ++row.operations;
    row.output = layers[id].output;
    row.parameters += layers[id].parameters;
    row.macs += layers[id].macs;
  }
  for (size_t i = 0; i < rows.size(); ++i) rows[i].contents = contents_of(graph, layers, nodes[i]);
  return rows;
}

}  // namespace zoo::graph
