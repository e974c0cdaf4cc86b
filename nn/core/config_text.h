// Text of a model file as messages show it: one line, bounded, valid UTF-8. Internal to nn/core.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace zoo::detail {

/// printable(), cut after about 60 bytes with "...".
std::string escaped(std::string_view text);
/// The same between double quotes.
std::string in_quotes(std::string_view text);

/// "a.b" and "key" -> "a.b.key"; a key that is no plain word is quoted: "a.b."my key"".
std::string path_with_key(std::string_view path, std::string_view key);
/// "a.b" and 2 -> "a.b[2]".
std::string path_with_index(std::string_view path, size_t index);

}  // namespace zoo::detail
