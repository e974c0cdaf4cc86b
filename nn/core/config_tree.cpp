#include "nn/core/config_tree.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"

namespace zoo::detail {
namespace {

auto order_of(const Position& position) { return std::tie(position.origin, position.line, position.column); }

}  // namespace

const MapEntry* YamlNode::find(std::string_view key) const {
  const auto found = entry_of_key.find(key);
  return found == entry_of_key.end() ? nullptr : &entries[found->second];
}

MapEntry* YamlNode::find(std::string_view key) {
  const auto found = entry_of_key.find(key);
  return found == entry_of_key.end() ? nullptr : &entries[found->second];
}

void YamlNode::add_entry(const MapEntry& entry) {
  entry_of_key.emplace(entry.key, entries.size());
  entries.push_back(entry);
}

void merge_into(YamlNode& map, const std::vector<const YamlNode*>& merged) {
  const std::vector<MapEntry> own = std::exchange(map.entries, {});
  map.entry_of_key.clear();
  for (const YamlNode* other : merged) {
    for (const MapEntry& entry : other->entries) {
      if (map.find(entry.key) == nullptr) map.add_entry(entry);
    }
  }
  for (const MapEntry& entry : own) {
    if (MapEntry* overridden = map.find(entry.key)) {
      *overridden = entry;
    } else {
      map.add_entry(entry);
    }
  }
}

YamlNode& Tree::add(NodeKind kind, Position position) {
  YamlNode& node = nodes_.emplace_back();
  node.id = static_cast<uint32_t>(nodes_.size() - 1);
  node.kind = kind;
  node.position = position;
  return node;
}

std::string_view Tree::keep(std::string text) { return texts_.emplace_back(std::move(text)); }

YamlNode& Tree::copy(const YamlNode& node) {
  YamlNode& result = add(node.kind, node.position);
  result.text = node.text;
  result.plain = node.plain;
  result.values = node.values;
  result.depth = node.depth;
  result.items.reserve(node.items.size());
  for (const YamlNode* item : node.items) result.items.push_back(&copy(*item));
  for (const MapEntry& entry : node.entries) result.add_entry({entry.key, entry.position, &copy(*entry.value)});
  return result;
}

std::string Origins::where(const Position& position) const {
  if (position.origin != Position::kFile) return overrides[static_cast<size_t>(position.origin)].label;
  return fmt::format("{}:{}:{}", file, position.line, position.column);
}

std::string Origins::line(const Problem& problem) const {
  const std::string place = where(problem.position);
  const bool place_says_path = problem.position.origin != Position::kFile &&
                               overrides[static_cast<size_t>(problem.position.origin)].path == problem.path;
  if (problem.path.empty() || place_says_path) return fmt::format("{}: {}", place, problem.message);
  return fmt::format("{}: {}: {}", place, problem.path, problem.message);
}

void throw_problems(const Origins& origins, std::vector<Problem> problems) {
  std::stable_sort(problems.begin(), problems.end(),
                   [](const Problem& a, const Problem& b) { return order_of(a.position) < order_of(b.position); });
  std::vector<std::string> lines;
  lines.reserve(problems.size());
  for (const Problem& problem : problems) lines.push_back(origins.line(problem));
  throw ConfigError(std::move(lines));
}

}  // namespace zoo::detail
