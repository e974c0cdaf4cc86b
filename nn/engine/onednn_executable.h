// The fast engine: oneDNN primitives in one blocked layout, own kernels where oneDNN is slow, planned memory.
#pragma once

#include <memory>

#include "nn/engine/executable.h"

namespace zoo::engine {

/// `network` must be optimised (batch norms folded, activations and residuals fused).
std::shared_ptr<const Executable> compile_onednn(const graph::BoundGraph& network, const Shape& input,
                                                 const CompileOptions& options);

/// Whether bf16 networks may run here: AMX, unless ONEDNN_MAX_CPU_ISA rules it out.
bool engine_has_amx_bf16();

}  // namespace zoo::engine
