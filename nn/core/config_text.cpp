#include "nn/core/config_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "nn/core/shown_text.h"
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

std::string escaped(std::string_view text) { return shortened(text, kMaxShownBytes); }

std::string in_quotes(std::string_view text) { return '"' + escaped(text) + '"'; }

std::string path_with_key(std::string_view path, std::string_view key) {
  const std::string shown =
      is_word(key) && is_utf8(key) && key.size() <= kMaxShownBytes ? std::string(key) : in_quotes(key);
  return path.empty() ? shown : fmt::format("{}.{}", path, shown);
}

std::string path_with_index(std::string_view path, size_t index) { return fmt::format("{}[{}]", path, index); }

}  // namespace zoo::detail
