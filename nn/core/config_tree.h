// The values of a model file as our own tree, with positions. Internal to nn/core.
//
// Aliases and merge keys are expanded while the tree is built, so every value has exactly one place and one path: it
// can be overridden, read and reported on its own.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace zoo::detail {

/// Limits that no model file needs to exceed; without them a small file could exhaust memory or the stack.
inline constexpr size_t kMaxFileBytes = size_t{4} << 20;
inline constexpr size_t kMaxValues = 100'000;  ///< after expanding aliases
inline constexpr size_t kMaxDepth = 64;        ///< lists and maps around a value

/// Where a value was written.
struct Position {
  int origin = kFile;  ///< kFile, or the index of an override
  int line = 1;        ///< one-based; in the file only
  int column = 1;      ///< one-based, in characters

  static constexpr int kFile = -1;
};

enum class NodeKind { kNull, kScalar, kList, kMap };

struct YamlNode;

struct MapEntry {
  std::string_view key;
  Position position;  ///< of the key
  YamlNode* value = nullptr;
};

/// One value. Texts and children belong to the Tree.
struct YamlNode {
  uint32_t id = 0;  ///< index for per-node records
  NodeKind kind = NodeKind::kNull;
  Position position;
  std::string_view text;  ///< of a scalar
  bool plain = false;     ///< scalar without quotes, or tagged as a number or bool: may be one
  std::vector<YamlNode*> items;
  std::vector<MapEntry> entries;                    ///< in file order
  std::map<std::string_view, size_t> entry_of_key;  ///< index into entries
  size_t values = 1;                                ///< this one and everything below
  size_t depth = 0;                                 ///< 0 for scalars, 1 + the deepest child otherwise

  /// nullptr if there is none.
  const MapEntry* find(std::string_view key) const;
  MapEntry* find(std::string_view key);
  /// Precondition: the key is new.
  void add_entry(const MapEntry& entry);
};

/// Adds the entries of `merged` maps to `map`. Its own keys win, then earlier maps over later ones; merged keys come
/// first, as in PyYAML.
void merge_into(YamlNode& map, const std::vector<const YamlNode*>& merged);

/// Owner of nodes and texts; addresses stay valid when it grows or is moved.
class Tree {
 public:
  YamlNode* root = nullptr;

  YamlNode& add(NodeKind kind, Position position);
  /// Keeps a text for as long as the tree lives.
  std::string_view keep(std::string text);
  /// Deep copy; texts are shared.
  YamlNode& copy(const YamlNode& node);
  size_t size() const { return nodes_.size(); }

 private:
  std::deque<YamlNode> nodes_;
  std::deque<std::string> texts_;
};

/// Something wrong with a value.
struct Problem {
  Position position;
  std::string path;
  std::string message;
};

/// What messages call the places that values come from.
struct Origins {
  struct Override {
    std::string label;  ///< "--set a.b=3"
    std::string path;   ///< of the value it sets
  };

  std::string file;
  std::vector<Override> overrides;

  /// "file:line:column", or an override's label.
  std::string where(const Position& position) const;
  /// "file:line:column: path: message".
  std::string line(const Problem& problem) const;
};

/// Throws ConfigError with all of them in the order of their positions.
[[noreturn]] void throw_problems(const Origins& origins, std::vector<Problem> problems);

}  // namespace zoo::detail
