#include "nn/core/config_node.h"

#include <utility>

#include <fmt/format.h>

#include "nn/core/config_context.h"
#include "nn/core/config_scalar.h"
#include "nn/core/config_text.h"

namespace zoo {

using detail::in_quotes;
using detail::MapEntry;
using detail::NodeKind;
using detail::ScalarLook;
using detail::YamlNode;

ConfigNode::ConfigNode(std::shared_ptr<detail::ConfigContext> context, const YamlNode* node, std::string path)
    : context_(std::move(context)), node_(node), path_(std::move(path)) {}

ConfigNode ConfigNode::absent(const YamlNode* holder, std::string path) const {
  ConfigNode node(context_, nullptr, std::move(path));
  node.holder_ = holder;
  return node;
}

bool ConfigNode::is_null() const { return !exists() || node_->kind == NodeKind::kNull; }
bool ConfigNode::is_map() const { return exists() && node_->kind == NodeKind::kMap; }
bool ConfigNode::is_list() const { return exists() && node_->kind == NodeKind::kList; }
bool ConfigNode::is_scalar() const { return exists() && node_->kind == NodeKind::kScalar; }

ConfigNode ConfigNode::at(std::string_view key) const {
  std::string path = detail::path_with_key(path_, key);
  if (!exists()) return absent(holder_, std::move(path));
  if (!is_map()) {
    fail_expected("a map");
    return absent(nullptr, std::move(path));
  }
  if (const MapEntry* entry = context_->ask(*node_, key)) return {context_, entry->value, std::move(path)};
  problem(fmt::format("missing key {}", in_quotes(key)));
  return absent(nullptr, std::move(path));
}

ConfigNode ConfigNode::find(std::string_view key) const {
  std::string path = detail::path_with_key(path_, key);
  if (!exists()) return absent(holder_, std::move(path));
  if (is_null()) return absent(node_, std::move(path));
  if (!is_map()) {
    fail_expected("a map");
    return absent(nullptr, std::move(path));
  }
  if (const MapEntry* entry = context_->ask(*node_, key)) return {context_, entry->value, std::move(path)};
  return absent(node_, std::move(path));
}

ConfigNode ConfigNode::find_any(std::span<const std::string_view> names) const {
  std::optional<ConfigNode> first;
  std::string_view first_name;
  for (std::string_view name : names) {
    ConfigNode node = find(name);
    if (!node) continue;
    if (first) {
      node.problem(fmt::format("means the same as {}; keep one of them", in_quotes(first_name)));
      node.skip();
    } else {
      first = std::move(node);
      first_name = name;
    }
  }
  if (first) return *first;
  return names.empty() ? absent(node_, path_) : find(names.front());
}

std::vector<ConfigNode> ConfigNode::items() const {
  std::vector<ConfigNode> items;
  if (!exists()) return items;
  if (!is_list()) {
    fail_expected("a list");
    return items;
  }
  items.reserve(node_->items.size());
  for (size_t i = 0; i < node_->items.size(); ++i) {
    items.push_back(ConfigNode(context_, node_->items[i], detail::path_with_index(path_, i)));
  }
  return items;
}

std::vector<std::string> ConfigNode::keys() const {
  std::vector<std::string> keys;
  if (!exists()) return keys;
  if (!is_map()) {
    fail_expected("a map");
    return keys;
  }
  keys.reserve(node_->entries.size());
  for (const MapEntry& entry : node_->entries) keys.emplace_back(entry.key);
  return keys;
}

void ConfigNode::problem(std::string_view message) const {
  const YamlNode* node = exists() ? node_ : holder_;
  if (node == nullptr || context_->state(*node).failed) return;
  context_->record(*node, path_, std::string(message));
}

void ConfigNode::fail(const std::string& message) const {
  problem(message);
  detail::NodeState& state = context_->state(*node_);
  state.failed = true;
  state.skipped = true;
}

void ConfigNode::fail_expected(std::string_view expected, std::string_view hint) const {
  fail(fmt::format("expected {}, found {}{}", expected, describe(), hint));
}

std::string ConfigNode::describe() const {
  switch (node_->kind) {
    case NodeKind::kNull:
      return "nothing";
    case NodeKind::kList:
      return "a list";
    case NodeKind::kMap:
      return "a map";
    case NodeKind::kScalar:
      break;
  }
  const bool is_word = !node_->plain || detail::look_of(node_->text) == ScalarLook::kText;
  return is_word ? in_quotes(node_->text) : detail::escaped(node_->text);
}

void ConfigNode::ignore(std::string_view key, std::string_view reason) const {
  const ConfigNode node = find(key);
  if (!node) return;
  node.skip();
  context_->ignored.push_back({node.where(), node.path(), std::string(reason)});
}

void ConfigNode::skip() const {
  if (exists()) context_->state(*node_).skipped = true;
}

std::string ConfigNode::where() const {
  const YamlNode* node = exists() ? node_ : holder_;
  return node == nullptr ? context_->origins.file : context_->origins.where(node->position);
}

}  // namespace zoo
