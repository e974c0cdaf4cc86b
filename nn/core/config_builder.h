// Parse events -> Tree. Internal to nn/core.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "nn/core/config_source.h"
#include "nn/core/config_tree.h"

namespace zoo::detail {

/// Receives the events of one document; offsets count bytes in the source. Built on events because YAML::Node has
/// already lost duplicate keys, and because the limits on aliases and nesting must hold while the tree grows. What
/// makes going on pointless throws ConfigError at once; other problems are collected until finish().
class ConfigTreeBuilder {
 public:
  /// Identifies an anchor; kNoAnchor for values without one.
  using AnchorId = size_t;
  static constexpr AnchorId kNoAnchor = 0;

  /// `path` is where the document's value will be put. The references must outlive the builder.
  ConfigTreeBuilder(const SourceText& source, std::string path, const Origins& origins, Tree& tree);

  /// The document's value, nullptr without one. Throws ConfigError with the problems collected.
  YamlNode* finish();
  /// The innermost `[` or `{` that is open.
  std::optional<Position> open_bracket() const;

  void begin_document(size_t offset);
  /// The name of the next value's anchor.
  void name_anchor(size_t offset, const std::string& name);
  void add_null(size_t offset, AnchorId anchor);
  void add_alias(size_t offset, AnchorId anchor);
  /// `tag` as yaml-cpp gives it: "?" without a tag, "!" also for quoted text, else resolved.
  void add_scalar(size_t offset, const std::string& tag, AnchorId anchor, const std::string& value);
  /// A list or map begins; the values up to the matching `close` are its elements, or its keys and values by turns.
  void open(NodeKind kind, size_t offset, const std::string& tag, AnchorId anchor, bool bracketed);
  void close();

 private:
  /// What the next value of a map belongs to.
  struct Key {
    std::string_view text;
    Position position;
    size_t offset = 0;
    bool is_explicit = false;  ///< written as "? key"
    enum class Use { kEntry, kMerge, kDiscard } use = Use::kEntry;
  };
  /// A list or map that is being read.
  struct Frame {
    YamlNode* node = nullptr;
    bool bracketed = false;
    AnchorId anchor = kNoAnchor;
    std::optional<Key> key;
    std::optional<Position> merge_key;
    std::vector<const YamlNode*> merged;
  };
  struct Anchor {
    YamlNode* node = nullptr;
    std::string name;
    bool is_open = false;  ///< its list or map has not ended yet
  };

  bool expects_key() const;
  std::string path() const;
  void problem(Position position, std::string message);
  [[noreturn]] void fail(Position position, std::string message) const;
  void count_values(size_t count, Position position);
  Position position_of_null(size_t offset, AnchorId anchor);
  void remember_anchor(AnchorId anchor, YamlNode& node, bool is_open);

  void check_indentation(Position position, bool is_block_list);

  void take_key(const YamlNode& node, size_t offset);
  void take_value(YamlNode& node);
  void take_merge(const YamlNode& node, Frame& frame);

  const SourceText& source_;
  const std::string path_;
  const Origins& origins_;
  Tree& tree_;
  YamlNode* root_ = nullptr;
  bool has_document_ = false;
  size_t values_ = 0;
  std::vector<Frame> frames_;
  std::unordered_map<AnchorId, Anchor> anchors_;
  std::string anchor_name_;
  size_t last_text_ = 0;  ///< offset of the last scalar that may be quoted
  std::vector<Problem> problems_;
};

}  // namespace zoo::detail
