// Which levels of a backbone a head reads, by their strides: so a head says what it needs and any backbone that has it
// fits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "heads/registry.h"
#include "nn/core/config_node.h"

namespace zoo::heads {

/// The deepest of the levels with this stride. That there is none is recorded at `where`, unless there are no levels at
/// all: then the backbone could not be read.
std::optional<size_t> level_of_stride(const ConfigNode& where, const HeadContext& context, int64_t stride);

/// The key `key` of a head's `params`, a stride: the deepest level that has it. Without the key the level of `fallback`
/// (problems are recorded at `head`), and with a fallback of 0 the coarsest level.
std::optional<size_t> decode_level(const ConfigNode& head, std::string_view key, const HeadContext& context,
                                   int64_t fallback);

}  // namespace zoo::heads
