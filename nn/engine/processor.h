// What measured times depend on besides the problem.
#pragma once

#include <cstddef>
#include <string>

#include "nn/engine/kernels/kernels.h"

namespace zoo::engine {

/// One line: processor model, caches, instruction sets, oneDNN's version, revision of this engine's sources.
std::string kernel_environment(kernels::Isa isa);

/// Bytes of the second-level cache of a core; a common size if the system does not tell.
size_t l2_cache_bytes();

}  // namespace zoo::engine
