// YAML tags: what is supported, and what messages call it. Internal to nn/core.
#pragma once

#include <string>
#include <string_view>

#include "nn/core/config_tree.h"

namespace zoo::detail {

enum class Tag { kNone, kNonSpecific, kString, kNumberOrBool, kNull, kList, kMap, kUnknown };

/// `tag` as yaml-cpp resolves it: "?" for none, "!" for quoted text and for the non-specific tag, else a name.
Tag tag_of(std::string_view tag);

/// Why the tag does not fit a value of this kind.
std::string tag_problem(std::string_view tag, NodeKind kind);

/// "a list", "a map", "a scalar", "nothing".
std::string_view kind_name(NodeKind kind);

}  // namespace zoo::detail
