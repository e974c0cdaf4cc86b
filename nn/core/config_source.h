// The bytes of a model file: reading them, checking that they are text, finding positions. Internal to nn/core.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "nn/core/config_tree.h"

namespace zoo::detail {

/// At most one byte more than kMaxFileBytes. Throws ConfigError: missing, a folder, unreadable.
std::string read_config_file(const std::filesystem::path& file);

/// YAML text that yaml-cpp can be trusted with, and the positions in it.
class SourceText {
 public:
  /// Throws ConfigError for what yaml-cpp would swallow or choke on: too many bytes, control characters, bytes that are
  /// not UTF-8, lines that begin with "%", more brackets and commas than a file within the limits can have. `text` must
  /// outlive the object.
  SourceText(std::string_view text, int origin, const Origins& origins);

  /// Without a byte order mark.
  std::string_view text() const { return text_; }
  int origin() const { return origin_; }
  Position position(size_t offset) const;
  /// The line around `offset`, without its line break, and where it begins.
  std::string_view line_at(size_t offset, size_t* begin) const;

 private:
  void check_characters(const Origins& origins) const;
  void check_directives(const Origins& origins) const;

  std::string_view text_;
  int origin_;
  std::vector<size_t> line_begins_;

  // Positions are asked for mostly in file order: counting goes on from the last one, or a file that is one long line
  // would take quadratic time.
  struct Cursor {
    size_t line = 0;
    size_t offset = 0;
    int column = 1;
  };
  mutable Cursor cursor_;
};

}  // namespace zoo::detail
