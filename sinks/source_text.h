// Names of sources as results have them.
#pragma once

#include <string>
#include <string_view>

namespace zoo::sinks {

/// A backslash is `\\`, and a byte that is no UTF-8 `\xHH`, as manifests have it: valid text, and two names that differ
/// stay different.
std::string source_text(std::string_view name);

}  // namespace zoo::sinks
