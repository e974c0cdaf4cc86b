// `--set key.path=value`. Internal to nn/core.
#pragma once

#include "nn/core/config_node.h"
#include "nn/core/config_tree.h"

namespace zoo::detail {

/// Sets one value of the tree and adds its origin. Throws ConfigError: a malformed path, a value that is no YAML, a
/// path through a scalar, an index out of range.
void apply_override(const ConfigOverride& setting, Tree& tree, Origins& origins);

}  // namespace zoo::detail
