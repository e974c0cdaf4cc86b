// The fast engine: oneDNN primitives in one blocked layout, own kernels where oneDNN is slow, planned memory.
#pragma once

#include <memory>

#include "nn/engine/executable.h"

namespace zoo::engine {

/// `network` must be optimised (batch norms folded, activations and residuals fused).
std::shared_ptr<const Executable> compile_onednn(const graph::BoundGraph& network, const Shape& input,
                                                 const CompileOptions& options);

}  // namespace zoo::engine
