#include "nn/core/config_scan.h"

#include <algorithm>

namespace zoo::detail {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

// Offset behind the closing quote; npos without one.
size_t quoted_end(std::string_view text, size_t offset) {
  const char quote = text[offset];
  for (size_t i = offset + 1; i < text.size(); ++i) {
    const bool doubled = quote == '\'' && text.substr(i).starts_with("''");
    if (doubled || (quote == '"' && text[i] == '\\')) {
      ++i;
    } else if (text[i] == quote) {
      return i + 1;
    }
  }
  return text.npos;
}

bool is_quote(char c) { return c == '"' || c == '\''; }

}  // namespace

bool quote_closes(std::string_view text, size_t offset) {
  while (offset < text.size() && (text[offset] == '&' || text[offset] == '!')) {
    offset = std::min(text.find_first_of(kBlanks, offset), text.size());
    offset = std::min(text.find_first_not_of(kBlanks, offset), text.size());
  }
  if (offset >= text.size() || !is_quote(text[offset])) return true;
  return quoted_end(text, offset) != text.npos;
}

bool bracket_closes(std::string_view text, size_t offset) {
  size_t depth = 0;
  for (size_t i = offset; i < text.size(); ++i) {
    // Quotes and number signs have a meaning only where a word begins.
    const bool begins_word = i == 0 || std::string_view(" \t\r\n,:[]{}").find(text[i - 1]) != std::string_view::npos;
    if (text[i] == '[' || text[i] == '{') {
      ++depth;
    } else if (text[i] == ']' || text[i] == '}') {
      if (--depth == 0) return true;
    } else if (begins_word && is_quote(text[i])) {
      const size_t end = quoted_end(text, i);
      if (end == text.npos) return false;
      i = end - 1;
    } else if (begins_word && text[i] == '#') {
      i = std::min(text.find('\n', i), text.size());
    }
  }
  return false;
}

}  // namespace zoo::detail
