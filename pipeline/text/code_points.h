// UTF-8 taken apart.
#pragma once

#include <string>
#include <string_view>

namespace zoo::pipeline {

/// The characters of valid UTF-8; a byte that is out of place becomes U+FFFD.
std::u32string code_points(std::string_view text);

/// One character as UTF-8.
std::string utf8_of(char32_t character);

}  // namespace zoo::pipeline
