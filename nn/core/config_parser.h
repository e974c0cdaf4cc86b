// YAML text -> Tree. Internal to nn/core.
#pragma once

#include <string>

#include "nn/core/config_source.h"
#include "nn/core/config_tree.h"

namespace zoo::detail {

/// Adds the value that `source` holds to `tree`; `path` is where it will be put, for messages. Yields nullptr if the
/// text holds none (nothing at all, or only comments). Throws ConfigError: syntax errors, duplicate keys, keys that are
/// no strings, tags beyond YAML's core ones, bad merges, self-referencing aliases, more than kMaxValues values, more
/// than kMaxDepth levels, further documents.
YamlNode* parse_yaml(const SourceText& source, const std::string& path, const Origins& origins, Tree& tree);

}  // namespace zoo::detail
