// What oneDNN uses of the processor. Internal to nn/engine.
#pragma once

#include <string>

namespace zoo::engine {

/// Instruction sets that oneDNN may use: those that it knows and finds, as far as ONEDNN_MAX_CPU_ISA lets it.
struct OneDnnSets {
  bool avx2 = false;
  bool avx2_vnni = false;
  bool avx512_core = false;
  bool avx512_core_vnni = false;
  bool avx512_core_bf16 = false;
  bool avx512_core_amx = false;
};

inline constexpr OneDnnSets kUnboundOneDnn{.avx2 = true,
                                           .avx2_vnni = true,
                                           .avx512_core = true,
                                           .avx512_core_vnni = true,
                                           .avx512_core_bf16 = true,
                                           .avx512_core_amx = true};

OneDnnSets onednn_sets();

/// Its version and, in hexadecimal, dnnl_cpu_isa_t of the sets: "2.6.3 isa 3e7".
std::string onednn_build();

}  // namespace zoo::engine
