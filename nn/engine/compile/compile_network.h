// One network, one input shape, one precision. Internal to nn/engine.
#pragma once

#include <memory>

#include "nn/engine/executable.h"

namespace zoo::engine {

/// `network` must be optimised (batch norms folded, activations and residuals fused); `options` name one precision.
std::shared_ptr<const Executable> compile_network(const graph::BoundGraph& network, const Shape& input,
                                                  const CompileOptions& options);

}  // namespace zoo::engine
