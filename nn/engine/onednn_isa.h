// The instruction sets that oneDNN uses. Internal to nn/engine.
#pragma once

namespace zoo::engine {

/// Bits of dnnl_cpu_isa_t; ONEDNN_MAX_CPU_ISA holds them below what the processor has.
unsigned onednn_isa();

}  // namespace zoo::engine
