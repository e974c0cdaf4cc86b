#include "nn/graph/picture.h"

#include <algorithm>
#include <cctype>
#include <memory>
#include <unordered_map>

#include <fmt/format.h>

#include "nn/graph/describe.h"
#include "nn/graph/op_traits_layers.h"
#include "nn/graph/op_traits_maps.h"
#include "nn/graph/parts.h"

namespace zoo::graph {
namespace {

/// Groups deeper than section, stage and block would hold two or three boxes each.
constexpr size_t kMaxGroupDepth = 3;

/// A layer with the normalisation, layer scale and activation that directly follow it, or a part of the network.
struct Box {
  std::vector<NodeId> nodes;
  std::string_view part = {};  ///< its name
};

/// Boxes of which the names begin with the same components.
struct Group {
  std::string name;
  std::vector<size_t> boxes;
  std::vector<std::unique_ptr<Group>> groups;
};

size_t box_count(const Group& group) {
  size_t count = group.boxes.size();
  for (const auto& inner : group.groups) count += box_count(*inner);
  return count;
}

std::vector<std::string_view> components(std::string_view name) {
  std::vector<std::string_view> parts;
  for (size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.')) {
    parts.push_back(name.substr(0, dot));
    name.remove_prefix(dot + 1);
  }
  parts.push_back(name);
  return parts;
}

/// Whether the words differ in their capitals only: a node "add" needs no second line "Add".
bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char left, unsigned char right) { return std::tolower(left) == std::tolower(right); });
}

/// Whether the operation is drawn in the box of the layer before it.
bool joins_its_source(const Op& op) {
  return std::visit([]<typename Typed>(const Typed&) { return OpTraits<Typed>::kJoins; }, op);
}

Look look_of(const Op& op) {
  return std::visit([]<typename Typed>(const Typed&) { return OpTraits<Typed>::kLook; }, op);
}

/// Sorts the nodes into boxes and groups and hands them to a writer of one of the two languages.
class Picture {
 public:
  Picture(const Graph& graph, const Shape& input, int depth)
      : graph_(graph), rows_(layer_rows(graph, input)), box_of_(graph.nodes.size()) {
    for (const Node& node : graph.nodes) {
      for (std::string_view name = parent_of(node.name); !name.empty(); name = parent_of(name)) ++nodes_below_[name];
    }
    if (depth == kEverything) {
      make_boxes();
    } else {
      make_parts(depth);
    }
    for (size_t box = 0; box < boxes_.size(); ++box) add_to_group(box);
  }

  void write(PictureWriter& writer) const {
    write_members(writer, root_, "");
    for (size_t i = 0; i < graph_.outputs.size(); ++i) writer.output(i, graph_.outputs[i].name);
    for (size_t box = 0; box < boxes_.size(); ++box) {
      for (const size_t source : sources_of(box)) writer.edge(fmt::format("n{}", source), fmt::format("n{}", box));
    }
    for (size_t i = 0; i < graph_.outputs.size(); ++i) {
      const size_t box = box_of_[static_cast<size_t>(graph_.outputs[i].node)];
      writer.edge(fmt::format("n{}", box), fmt::format("o{}", i));
    }
  }

 private:
  void make_boxes() {
    std::vector<size_t> uses(graph_.nodes.size(), 0);
    for (const Node& node : graph_.nodes) {
      for (const NodeId source : node.inputs) ++uses[static_cast<size_t>(source)];
    }
    for (const Output& output : graph_.outputs) ++uses[static_cast<size_t>(output.node)];

    for (size_t id = 0; id < graph_.nodes.size(); ++id) {
      const Node& node = graph_.nodes[id];
      if (joins_its_source(node.op) && node.inputs.front() != 0) {
        const auto source = static_cast<size_t>(node.inputs.front());
        if (uses[source] == 1 && parent_of(node.name) == parent_of(graph_.nodes[source].name)) {
          box_of_[id] = box_of_[source];
          boxes_[box_of_[id]].nodes.push_back(static_cast<NodeId>(id));
          continue;
        }
      }
      box_of_[id] = boxes_.size();
      boxes_.push_back({{static_cast<NodeId>(id)}});
    }
  }

  void make_parts(int depth) {
    const std::vector<std::string_view> names = part_names(graph_, depth);
    std::unordered_map<std::string_view, size_t> boxes;
    for (size_t id = 0; id < names.size(); ++id) {
      const auto [place, is_new] = boxes.try_emplace(names[id], boxes_.size());
      if (is_new) boxes_.push_back({{}, names[id]});
      box_of_[id] = place->second;
      boxes_[place->second].nodes.push_back(static_cast<NodeId>(id));
    }
  }

  /// The boxes that it reads: of a layer one per input of its first node, of a part each other one once.
  std::vector<size_t> sources_of(size_t box) const {
    const bool is_part = !boxes_[box].part.empty();
    std::vector<size_t> sources;
    for (const NodeId id : boxes_[box].nodes) {
      for (const NodeId input : graph_[id].inputs) {
        const size_t source = box_of_[static_cast<size_t>(input)];
        const bool is_known = source == box || std::ranges::find(sources, source) != sources.end();
        if (!is_part || !is_known) sources.push_back(source);
      }
      if (!is_part) break;
    }
    return sources;
  }

  /// The name without its last component where no other box shares the rest ("stem" for stem.conv and stem.norm).
  std::string_view name_of(const Box& box) const {
    if (!box.part.empty()) return box.part;
    const std::string_view name = graph_[box.nodes.front()].name;
    const auto shared = nodes_below_.find(parent_of(name));
    return shared != nodes_below_.end() && shared->second == box.nodes.size() ? shared->first : name;
  }

  void add_to_group(size_t box) {
    std::vector<std::string_view> path = components(name_of(boxes_[box]));
    path.pop_back();
    path.resize(std::min(path.size(), kMaxGroupDepth));
    Group* group = &root_;
    for (const std::string_view part : path) {
      const auto same = [&](const auto& inner) { return inner->name == part; };
      const auto found = std::find_if(group->groups.begin(), group->groups.end(), same);
      if (found == group->groups.end()) {
        group->groups.push_back(std::make_unique<Group>());
        group->groups.back()->name = part;
        group = group->groups.back().get();
      } else {
        group = found->get();
      }
    }
    group->boxes.push_back(box);
  }

  /// `prefix`: the names of the groups around, each with its dot; boxes leave it out.
  void write_members(PictureWriter& writer, const Group& group, const std::string& prefix) const {
    for (const size_t box : group.boxes) write_box(writer, box, prefix);
    for (const auto& inner : group.groups) write_group(writer, *inner, inner->name, prefix);
  }

  /// A group around a single box or a single other group would only be a frame in a frame: those are drawn as one.
  void write_group(PictureWriter& writer, const Group& group, const std::string& name,
                   const std::string& prefix) const {
    if (box_count(group) == 1) {
      write_members(writer, group, prefix);
    } else if (group.boxes.empty() && group.groups.size() == 1) {
      const Group& inner = *group.groups.front();
      write_group(writer, inner, name + "." + inner.name, prefix);
    } else {
      writer.begin_group(name);
      write_members(writer, group, prefix + name + ".");
      writer.end_group();
    }
  }

  void write_box(PictureWriter& writer, size_t index, const std::string& prefix) const {
    const Box& box = boxes_[index];
    std::string_view title = name_of(box);
    if (title.starts_with(prefix)) title.remove_prefix(prefix.size());
    std::vector<std::string> lines = {std::string(title)};
    if (!box.part.empty() && box.nodes.size() > 1) {
      lines.push_back(contents_of(graph_, rows_, box.nodes));
      lines.push_back(rows_[static_cast<size_t>(box.nodes.back())].output.to_string());
      writer.box(index, lines, Look::kLayer);
      return;
    }
    for (const NodeId id : box.nodes) {
      const LayerRow& row = rows_[static_cast<size_t>(id)];
      const Op& op = graph_[id].op;
      if (std::holds_alternative<Activation>(op)) {
        lines.push_back(row.attributes);
      } else if (!row.attributes.empty() && !joins_its_source(op)) {
        lines.push_back(row.op + " " + row.attributes);
      } else if (!same_word(row.op, title)) {
        lines.push_back(row.op);
      }
    }
    lines.push_back(rows_[static_cast<size_t>(box.nodes.back())].output.to_string());
    writer.box(index, lines, look_of(graph_[box.nodes.front()].op));
  }

  const Graph& graph_;
  std::vector<LayerRow> rows_;
  std::unordered_map<std::string_view, size_t> nodes_below_;  ///< by the first components of their names
  std::vector<size_t> box_of_;                                ///< per node
  std::vector<Box> boxes_;
  Group root_;
};

}  // namespace

std::string_view fill_colour(Look look) {
  switch (look) {
    case Look::kTerminal:
      return "#e8e8e8";
    case Look::kLayer:
      return "#d6e6f7";
    case Look::kGate:
      return "#fdeccf";
    case Look::kOther:
      break;
  }
  return "#ffffff";
}

void draw(const Graph& graph, const Shape& input, int depth, PictureWriter& writer) {
  Picture(graph, input, depth).write(writer);
}

}  // namespace zoo::graph
