// What reading a model file leaves behind: problems, and which keys were asked for. Internal to nn/core.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nn/core/config_node.h"
#include "nn/core/config_tree.h"

namespace zoo::detail {

/// How a value was read.
struct NodeState {
  bool read = false;                    ///< asked for by its key
  bool skipped = false;                 ///< nothing below it counts as unread
  bool failed = false;                  ///< was read as something it is not, which has been recorded
  std::vector<std::string> asked_keys;  ///< in the order of asking
};

struct ConfigContext {
  Origins origins;
  Tree tree;
  std::vector<NodeState> states;  ///< by node id
  std::vector<Problem> problems;
  std::vector<ConfigDocument::Ignored> ignored;

  NodeState& state(const YamlNode& node) { return states[node.id]; }
  const NodeState& state(const YamlNode& node) const { return states[node.id]; }

  /// Records a problem unless the same one has been recorded for this value.
  void record(const YamlNode& node, const std::string& path, std::string message);
  /// The entry of a map, marked as read; nullptr if there is none.
  const MapEntry* ask(const YamlNode& map, std::string_view key);
  /// One problem for each key that nobody asked for.
  std::vector<Problem> unread_keys() const;
  /// ConfigDocument::asked_keys.
  std::set<std::string> asked_paths() const;

 private:
  std::set<std::pair<uint32_t, std::string>> recorded_;
};

}  // namespace zoo::detail
