// Finding ends of quoted and bracketed YAML without parsing it. Internal to nn/core.
#pragma once

#include <cstddef>
#include <string_view>

namespace zoo::detail {

/// Whether the quoted text that begins at `text[offset]`, after an anchor or tag maybe, has its closing quote. True for
/// anything else than quoted text.
bool quote_closes(std::string_view text, size_t offset);

/// Whether the `[` or `{` at `text[offset]` has its counterpart; the kinds of brackets inside are not compared.
bool bracket_closes(std::string_view text, size_t offset);

}  // namespace zoo::detail
