// In the place of the engine's onednn_isa.cpp: as on a machine that has everything, ONEDNN_MAX_CPU_ISA included.
// oneDNN's own kernels go on with what the processor has.
#include "nn/engine/onednn_isa.h"

#include <cstdlib>
#include <map>
#include <string_view>

#include <oneapi/dnnl/dnnl.hpp>

namespace zoo::engine {

unsigned onednn_isa() {
  using dnnl::cpu_isa;
  static const std::map<std::string_view, cpu_isa> names = {{"SSE41", cpu_isa::sse41},
                                                            {"AVX2", cpu_isa::avx2},
                                                            {"AVX512_CORE", cpu_isa::avx512_core},
                                                            {"AVX512_CORE_VNNI", cpu_isa::avx512_core_vnni},
                                                            {"AVX512_CORE_BF16", cpu_isa::avx512_core_bf16}};
  const char* held = std::getenv("ONEDNN_MAX_CPU_ISA");
  const auto name = names.find(held == nullptr ? "" : held);
  return static_cast<unsigned>(name == names.end() ? cpu_isa::avx512_core_amx : name->second);
}

}  // namespace zoo::engine
