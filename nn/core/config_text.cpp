#include "nn/core/config_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "nn/core/utf8.h"

namespace zoo::detail {
namespace {

constexpr size_t kMaxShownBytes = 60;

bool is_word(std::string_view key) {
  const auto is_word_character = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           static_cast<unsigned char>(c) >= 0x80;
  };
  return !key.empty() && std::all_of(key.begin(), key.end(), is_word_character);
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string shown;
  for (size_t i = 0; i < text.size();) {
    if (shown.size() >= kMaxShownBytes) return shown + "...";
    const size_t length = utf8_sequence_length(text, i);
    const auto byte = static_cast<unsigned char>(text[i]);
    if (text[i] == '\n') {
      shown += "\\n";
    } else if (text[i] == '\t') {
      shown += "\\t";
    } else if (text[i] == '\r') {
      shown += "\\r";
    } else if (length == 0 || byte < 0x20 || byte == 0x7F) {
      shown += fmt::format("\\x{:02x}", byte);
    } else {
      shown += text.substr(i, length);
    }
    i += std::max<size_t>(length, 1);
  }
  return shown;
}

std::string in_quotes(std::string_view text) { return '"' + escaped(text) + '"'; }

std::string path_with_key(std::string_view path, std::string_view key) {
  const std::string shown = is_word(key) && key.size() <= kMaxShownBytes ? std::string(key) : in_quotes(key);
  return path.empty() ? shown : fmt::format("{}.{}", path, shown);
}

std::string path_with_index(std::string_view path, size_t index) { return fmt::format("{}[{}]", path, index); }

}  // namespace zoo::detail
