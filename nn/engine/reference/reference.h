// The oracle: every operation as the plainest loop, sums in double, nothing folded, fused or re-laid.
#pragma once

#include <memory>

#include "nn/engine/executable.h"

namespace zoo::engine {

std::shared_ptr<const Executable> compile_reference(const graph::BoundGraph& network, const Shape& input);

}  // namespace zoo::engine
