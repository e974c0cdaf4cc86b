#include "pipeline/batch/manifest_form.h"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

#include "nn/core/parse_number.h"
#include "nn/core/shown_text.h"
#include "nn/core/utf8.h"

namespace zoo::batch {

std::string escaped_path(std::string_view path) {
  std::string result;
  for (size_t i = 0; i < path.size();) {
    const size_t length = utf8_sequence_length(path, i);
    const std::string_view character = path.substr(i, std::max<size_t>(1, length));
    if (character == "\\") {
      result += "\\\\";
    } else if (length > 0 && printable(character) == character) {
      result += character;
    } else {
      for (const char byte : character) result += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
    }
    i += character.size();
  }
  return result;
}

std::optional<std::string> unescaped_path(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      result += text[i];
    } else if (text.substr(i + 1).starts_with('\\')) {
      result += '\\';
      ++i;
    } else {
      const bool is_byte = text.substr(i + 1).starts_with('x') && text.size() >= i + 4;
      const auto byte = is_byte ? parse_number<uint8_t>(text.substr(i + 2, 2), 16) : std::nullopt;
      if (!byte || *byte == 0) return std::nullopt;
      result += static_cast<char>(*byte);
      i += 3;
    }
  }
  return result;
}

}  // namespace zoo::batch
