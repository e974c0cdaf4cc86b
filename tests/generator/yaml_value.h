// A model file as a tree that tests build, damage and write as YAML text, knowing on which line every value stands.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/generator/random_source.h"

namespace zoo::test {

struct YamlEntry;

struct YamlValue {
  enum class Kind { kScalar, kList, kMap };

  Kind kind = Kind::kScalar;
  std::string text;  ///< of a scalar, as it is written
  std::vector<YamlValue> items;
  std::vector<YamlEntry> entries;
  bool free = false;  ///< documented as "any": whatever stands here is accepted
  int line = 0;       ///< one-based, where the value begins; set by write_yaml

  YamlValue() = default;
  YamlValue(std::string scalar) : text(std::move(scalar)) {}   // NOLINT(google-explicit-constructor): a literal
  YamlValue(const char* scalar) : text(scalar) {}              // NOLINT(google-explicit-constructor): a literal
  YamlValue(int64_t scalar) : text(std::to_string(scalar)) {}  // NOLINT(google-explicit-constructor): a literal

  static YamlValue list(std::vector<YamlValue> items = {});
  static YamlValue map();
  /// Accepted whatever it is.
  static YamlValue any(YamlValue value);

  /// Adds an entry to a map.
  void add(std::string key, YamlValue value);
  /// nullptr if there is none.
  YamlValue* find(std::string_view key);
};

struct YamlEntry {
  std::string key;
  YamlValue value;
  int key_line = 0;  ///< one-based; set by write_yaml
};

/// Writes the tree in block and flow style, mixed by `random`, and fills in the lines.
std::string write_yaml(YamlValue& root, Random& random);

/// Paths of all keys, list positions as [].
std::set<std::string> keys_of(const YamlValue& root);

/// A value of a tree and how it is reached.
struct YamlPlace {
  YamlValue* value = nullptr;
  YamlValue* parent = nullptr;  ///< list or map; nullptr for the root
  size_t index = 0;             ///< in the parent's items or entries
  std::string path;             ///< as messages show it
  bool free = false;            ///< the value, or one around it, is free
};

/// Every value, parents before children. Valid until the tree changes.
std::vector<YamlPlace> places_of(YamlValue& root);

}  // namespace zoo::test
