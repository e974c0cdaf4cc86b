// Typed, located, strict reading of YAML model files.
//
// Reading never throws for a wrong value: the problem is recorded with `file:line:column: key.path: problem`, a
// harmless fallback is returned, and decoding goes on, so that one run reports everything that is wrong with a file.
// `ConfigDocument::finish()` then throws one ConfigError with all of it, unread (= unknown) keys included.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace zoo {

namespace detail {
struct YamlNode;
struct ConfigContext;
}  // namespace detail

/// A view of one value of a model file. Cheap to copy; valid as long as its ConfigDocument (or a copy of any node)
/// lives. An absent node (a missing key) answers every read with the fallback without recording another problem.
/// A value that was read as something it is not counts as reported: later problems with the same value, which would
/// only follow from the fallback, are not recorded, nor are unknown keys below it. Not thread-safe: one document is
/// decoded by one thread.
class ConfigNode {
 public:
  /// The value is there (a key with the value null counts as there; see is_null).
  bool exists() const { return node_ != nullptr; }
  explicit operator bool() const { return exists(); }
  /// `~`, `null`, nothing after the colon, or absent.
  bool is_null() const;
  bool is_map() const;
  bool is_list() const;
  bool is_scalar() const;

  /// `key` of a mapping, which must be there: a missing key is recorded as a problem.
  ConfigNode at(std::string_view key) const;
  /// `key` of a mapping, or an absent node. A key of which the value is null is found. A null has no keys (a trainer's
  /// `params: ~`); a scalar or list is recorded as a problem.
  ConfigNode find(std::string_view key) const;
  /// The first key of `names` that is there (synonyms, e.g. `act_type`, `activation`); several at once are a problem.
  /// Absent if none is, and then named after the first.
  ConfigNode find_any(std::span<const std::string_view> names) const;
  /// Elements of a list; anything else is recorded as a problem and yields none.
  std::vector<ConfigNode> items() const;
  /// Keys of a mapping in file order, not marked as read; anything else is recorded as a problem and yields none.
  std::vector<std::string> keys() const;

  /// Scalars. A wrong type, a quoted number, an octal-looking or out-of-range number is recorded as a problem and
  /// yields the fallback. `as_int` accepts decimal, 0x and 0o; `as_double` decimal, must be finite; `as_bool`
  /// true/false, yes/no, on/off in the capitalisations of YAML 1.1 (the trainer's PyYAML reads those).
  int64_t as_int(int64_t fallback = 0) const;
  int64_t as_int_in(int64_t min, int64_t max, int64_t fallback) const;  ///< with an inclusive range
  double as_double(double fallback = 0.0) const;
  bool as_bool(bool fallback = false) const;
  std::string as_string(std::string fallback = {}) const;  ///< any scalar that is not null
  /// Lists: one value per element, also for elements that are a problem, so that lengths can still be compared.
  std::vector<int64_t> as_int_list() const;
  std::vector<double> as_double_list() const;
  std::vector<bool> as_bool_list() const;
  std::vector<std::string> as_string_list() const;

  /// One of `choices`; anything else is recorded with a did-you-mean. Yields the index into `choices`.
  std::optional<size_t> as_choice(std::span<const std::string> choices, std::string_view what) const;

  /// Records a problem at this value; at the map that lacks it if find() did not find it.
  void problem(std::string_view message) const;
  /// Marks `key` (if there) and everything below it as read, and lists it as ignored with the reason.
  void ignore(std::string_view key, std::string_view reason) const;
  /// Marks everything below this value as read, e.g. after an unknown backbone name made its parameters meaningless.
  void skip() const;

  /// `file:line:column`, one-based.
  std::string where() const;
  /// `model.architecture.backbone.stage_params[1]`; empty for the root.
  const std::string& path() const { return path_; }

 private:
  friend class ConfigDocument;
  ConfigNode(std::shared_ptr<detail::ConfigContext> context, const detail::YamlNode* node, std::string path);

  ConfigNode absent(const detail::YamlNode* holder, std::string path) const;
  std::string describe() const;
  void fail(const std::string& message) const;
  void fail_expected(std::string_view expected, std::string_view hint = {}) const;

  std::shared_ptr<detail::ConfigContext> context_;
  const detail::YamlNode* node_ = nullptr;    // null for an absent value
  const detail::YamlNode* holder_ = nullptr;  // of an absent value that is optional: what could have held it
  std::string path_;
};

/// There, and not null.
inline bool given(const ConfigNode& node) { return !node.is_null(); }

/// One `key.path=value` of the command line; `value` is YAML (`[1, 2]`, `relu`, `~`). List elements are `a.b[1].c` or
/// `a.b.1.c`. Keys that are missing on the way are added; if nobody reads them, they are reported like any unknown key.
struct ConfigOverride {
  std::string path;
  std::string value;

  /// Splits "a.b[1].c=value" at the first '='. Throws ConfigError without one.
  static ConfigOverride parse(std::string_view text);
};

/// A whole model file.
class ConfigDocument {
 public:
  /// Reads and parses a file. Throws ConfigError: unreadable file, syntax error, duplicate keys, several documents,
  /// self-referencing or exploding aliases, nesting over 64 levels, unknown tags, more than 4 MiB, overrides that
  /// do not fit.
  static ConfigDocument load(const std::filesystem::path& file, std::span<const ConfigOverride> overrides = {});
  /// The same from memory; `file_name` is what messages show.
  static ConfigDocument parse(std::string_view text, std::string file_name,
                              std::span<const ConfigOverride> overrides = {});

  ConfigNode root() const;

  /// Whether any problem has been recorded so far.
  bool has_problems() const;
  /// Throws ConfigError with every recorded problem and every key that nobody read, in file order. Call it once, after
  /// decoding everything and before building anything from it.
  void finish() const;

  /// A key that is understood but has no effect here.
  struct Ignored {
    std::string where;
    std::string path;
    std::string reason;
  };
  std::vector<Ignored> ignored() const;

  /// Paths of the keys that decoding asked the maps of this file for, there or not, with [] for every list position:
  /// `model.architecture.backbone.stage_params[].stride`. For comparing the documentation with the code.
  std::set<std::string> asked_keys() const;

 private:
  explicit ConfigDocument(std::shared_ptr<detail::ConfigContext> context);
  std::shared_ptr<detail::ConfigContext> context_;
};

/// The entry of `candidates` that `word` may have been meant to be, or empty; for did-you-mean. Another spelling or
/// usual name of an entry (`HSwish` for `hard_swish`) wins; else the closest (restricted edit distance at most a third
/// of the word's length, at least 1).
std::string nearest_name(std::string_view word, std::span<const std::string> candidates);

}  // namespace zoo
