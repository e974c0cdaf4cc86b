#include "nn/core/config_context.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "nn/core/config_text.h"

namespace zoo::detail {
namespace {

constexpr size_t kMaxListedKeys = 12;
// Comparing names is what costs; who has misspelt more keys than this has another file altogether.
constexpr size_t kMaxSuggestions = 200;

std::string unknown_key_message(std::string_view key, const std::vector<std::string>& known, bool suggest) {
  const std::string nearest = suggest ? nearest_name(key, known) : "";
  if (!nearest.empty()) return fmt::format("unknown key; did you mean {}?", in_quotes(nearest));
  if (known.empty() || known.size() > kMaxListedKeys) return "unknown key";
  return fmt::format("unknown key; known here: {}", fmt::join(known, ", "));
}

void collect_unread(const ConfigContext& context, const YamlNode& node, const std::string& path,
                    std::vector<Problem>& problems) {
  const NodeState& state = context.state(node);
  if (state.skipped) return;
  for (size_t i = 0; i < node.items.size(); ++i) {
    collect_unread(context, *node.items[i], path_with_index(path, i), problems);
  }
  for (const MapEntry& entry : node.entries) {
    const std::string entry_path = path_with_key(path, entry.key);
    if (context.state(*entry.value).read) {
      collect_unread(context, *entry.value, entry_path, problems);
    } else {
      const bool suggest = problems.size() < kMaxSuggestions;
      problems.push_back({entry.position, entry_path, unknown_key_message(entry.key, state.asked_keys, suggest)});
    }
  }
}

void collect_asked(const ConfigContext& context, const YamlNode& node, const std::string& path,
                   std::set<std::string>& paths) {
  for (const std::string& key : context.state(node).asked_keys) paths.insert(path_with_key(path, key));
  for (const YamlNode* item : node.items) collect_asked(context, *item, path + "[]", paths);
  for (const MapEntry& entry : node.entries) {
    collect_asked(context, *entry.value, path_with_key(path, entry.key), paths);
  }
}

}  // namespace

void ConfigContext::record(const YamlNode& node, const std::string& path, std::string message) {
  std::string path_and_message = path + ": " + message;
  if (!recorded_.emplace(node.id, std::move(path_and_message)).second) return;
  problems.push_back({node.position, path, std::move(message)});
}

const MapEntry* ConfigContext::ask(const YamlNode& map, std::string_view key) {
  const MapEntry* entry = map.find(key);
  std::vector<std::string>& asked = state(map).asked_keys;
  // Code that goes through keys() may ask for thousands; a schema has a handful, and only those are worth listing.
  const bool may_be_schema = asked.size() <= 4 * kMaxListedKeys;
  if (may_be_schema && std::find(asked.begin(), asked.end(), key) == asked.end()) asked.emplace_back(key);
  if (entry != nullptr) state(*entry->value).read = true;
  return entry;
}

std::vector<Problem> ConfigContext::unread_keys() const {
  std::vector<Problem> unread;
  collect_unread(*this, *tree.root, "", unread);
  return unread;
}

std::set<std::string> ConfigContext::asked_paths() const {
  std::set<std::string> paths;
  collect_asked(*this, *tree.root, "", paths);
  return paths;
}

}  // namespace zoo::detail
