// In the place of the engine's onednn_isa.cpp: as on a machine that has everything, ONEDNN_MAX_CPU_ISA included.
// oneDNN's own kernels go on with what the processor has.
#include "nn/engine/machine/onednn_isa.h"

#include <cstdlib>
#include <map>
#include <string_view>

namespace zoo::engine {

OneDnnSets onednn_sets() {
  static const std::map<std::string_view, OneDnnSets> names = {
      {"SSE41", {}},
      {"AVX2", {.avx2 = true}},
      {"AVX2_VNNI", {.avx2 = true, .avx2_vnni = true}},
      {"AVX512_CORE", {.avx2 = true, .avx512_core = true}},
      {"AVX512_CORE_VNNI", {.avx2 = true, .avx512_core = true, .avx512_core_vnni = true}},
      {"AVX512_CORE_BF16", {.avx2 = true, .avx512_core = true, .avx512_core_vnni = true, .avx512_core_bf16 = true}}};
  const char* held = std::getenv("ONEDNN_MAX_CPU_ISA");
  const auto name = names.find(held == nullptr ? "" : held);
  return name == names.end() ? kUnboundOneDnn : name->second;
}

std::string onednn_build() { return "software"; }

}  // namespace zoo::engine
