// docs/configuration.md as data: the rows of its tables of keys.
#pragma once

#include <string>
#include <vector>

namespace zoo::test {

struct DocumentedKey {
  std::string heading;             ///< the heading above, without its #
  std::vector<std::string> names;  ///< synonyms, the first one preferred
  std::string type;
  std::string default_text;  ///< empty: the key is required
  std::string source;

  /// The default as YAML, if the cell holds a value and not words about one.
  bool has_literal_default() const;
  std::string literal_default() const;
};

/// The rows of all tables whose first column is "Key", in order. Fails the running test where a table has other
/// columns.
std::vector<DocumentedKey> documented_keys();

}  // namespace zoo::test
