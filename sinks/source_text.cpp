#include "sinks/source_text.h"

#include <fmt/format.h>

#include "nn/core/utf8.h"

namespace zoo::sinks {

std::string source_text(std::string_view name) {
  std::string text;
  for (size_t i = 0; i < name.size();) {
    const size_t length = utf8_sequence_length(name, i);
    if (length == 0) {
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(name[i]));
    } else {
      text += name[i] == '\\' ? "\\\\" : name.substr(i, length);
    }
    i += length == 0 ? 1 : length;
  }
  return text;
}

}  // namespace zoo::sinks
