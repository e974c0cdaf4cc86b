#include "nn/graph/parts.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace zoo::graph {
namespace {

int component_count(std::string_view name) { return 1 + static_cast<int>(std::ranges::count(name, '.')); }

std::string_view first_components(std::string_view name, int count) {
  size_t end = 0;
  for (; count > 0; --count) end = name.find('.', end + (end > 0 ? 1 : 0));
  return name.substr(0, end);
}

/// Names that have something deeper than a node below them: no layers.
std::set<std::string_view> grandparents(const Graph& graph) {
  std::set<std::string_view> found;
  for (const Node& node : graph.nodes) {
    for (std::string_view name = parent_of(parent_of(node.name)); !name.empty(); name = parent_of(name)) {
      found.insert(name);
    }
  }
  return found;
}

bool follows_layers(const Op& op) { return std::holds_alternative<Activation>(op) || op_name(op).ends_with("Norm"); }

}  // namespace

std::string_view parent_of(std::string_view name) {
  const size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : name.substr(0, dot);
}

std::vector<std::string_view> part_names(const Graph& graph, int depth) {
  constexpr int kShortestOfALayer = 3;  // section, layer, operation
  const std::set<std::string_view> no_layers = grandparents(graph);
  std::vector<std::string_view> parts;
  parts.reserve(graph.nodes.size());
  for (const Node& node : graph.nodes) {
    const std::string_view name = node.name;
    const int components = component_count(name);
    if (depth == kEverything) {
      parts.push_back(name);
    } else if (components > depth) {
      parts.push_back(first_components(name, depth));
    } else {
      const bool is_of_a_layer = components >= kShortestOfALayer && !no_layers.contains(parent_of(name));
      parts.push_back(is_of_a_layer ? parent_of(name) : name);
    }
  }
  return parts;
}

std::string contents_of(const Graph& graph, const std::vector<LayerRow>& rows, const std::vector<NodeId>& nodes) {
  std::vector<NodeId> named = nodes;
  std::erase_if(named, [&](NodeId id) { return follows_layers(graph[id].op); });
  if (named.empty()) named = nodes;
  if (named.size() == 1) {
    const LayerRow& row = rows[static_cast<size_t>(named.front())];
    return row.attributes.empty() ? row.op : row.op + " " + row.attributes;
  }
  std::vector<std::pair<std::string_view, int>> counts;
  for (const NodeId id : named) {
    const std::string_view name = op_name(graph[id].op);
    const auto known = std::ranges::find(counts, name, &std::pair<std::string_view, int>::first);
    if (known == counts.end()) {
      counts.emplace_back(name, 1);
    } else {
      ++known->second;
    }
  }
  std::string text;
  for (const auto& [name, number] : counts) {
    if (!text.empty()) text += ", ";
    text += number == 1 ? std::string(name) : fmt::format("{} {}", number, name);
  }
  return text;
}

}  // namespace zoo::graph
