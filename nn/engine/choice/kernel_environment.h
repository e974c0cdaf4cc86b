// What measured times depend on besides the problem.
#pragma once

#include <string>

#include "nn/engine/kernels/common/isa.h"

namespace zoo::engine {

/// One line: processor model, caches, instruction sets, oneDNN's version, revision of this engine's sources.
std::string kernel_environment(kernels::Isa isa);

}  // namespace zoo::engine
