// UTF-8 as RFC 3629 has it.
#pragma once

#include <cstddef>
#include <string_view>

namespace zoo {

/// Bytes of the UTF-8 sequence that starts at `text[offset]`, or 0 if there is no valid one.
size_t utf8_sequence_length(std::string_view text, size_t offset);
bool is_utf8(std::string_view text);

}  // namespace zoo
