// What the layer test needs to know of a source file: its includes and its calls, without being a compiler.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace zoo::layers {

/// The text with comments blanked and, if `literals`, what strings and characters hold, too; lines stay where they are.
std::string without_comments(std::string_view text, bool literals);

struct Include {
  int line = 0;
  bool quoted = false;  ///< "x", not <x>
  std::string target;   ///< empty where a macro would say it
};

/// Every #include of a source, those that are never compiled too.
std::vector<Include> includes_of(std::string_view text);

struct Use {
  int line = 0;
  std::string name;
};

/// Calls of functions of the global namespace or std that have one of these names, and mentions of std objects
/// (`std::cout`) of one of the names in `objects`. Members (`x.exit()`) and functions of other namespaces
/// (`queue::abort()`) are others of the same name.
std::vector<Use> uses_of(std::string_view text, const std::set<std::string, std::less<>>& functions,
                         const std::set<std::string, std::less<>>& objects);

}  // namespace zoo::layers
