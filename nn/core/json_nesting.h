// Bounds the nesting of JSON from outside before anything recurses into it: a parser's tree is written, copied and
// compared by recursion, so that half a megabyte of "[" would end the program.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace zoo {

/// Lists and objects around a value. Published files stay below 10.
inline constexpr size_t kMaxJsonNesting = 64;

/// Where `json` opens its first list or object beyond kMaxJsonNesting, in bytes from its begin; nothing if it never
/// does. Reads any text, valid or not, in one pass.
std::optional<size_t> too_deep_json(std::string_view json);

}  // namespace zoo
