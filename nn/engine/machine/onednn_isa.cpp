#include "nn/engine/machine/onednn_isa.h"

#include <fmt/format.h>
#include <oneapi/dnnl/dnnl.hpp>

namespace zoo::engine {

OneDnnSets onednn_sets() {
  using dnnl::cpu_isa;
  const auto has = [bits = static_cast<unsigned>(dnnl::get_effective_cpu_isa())](cpu_isa set) {
    const auto wanted = static_cast<unsigned>(set);
    return (bits & wanted) == wanted;
  };
  return {.avx2 = has(cpu_isa::avx2),
          .avx2_vnni = has(cpu_isa::avx2_vnni),
          .avx512_core = has(cpu_isa::avx512_core),
          .avx512_core_vnni = has(cpu_isa::avx512_core_vnni),
          .avx512_core_bf16 = has(cpu_isa::avx512_core_bf16),
          .avx512_core_amx = has(cpu_isa::avx512_core_amx)};
}

std::string onednn_build() {
  const dnnl_version_t* version = dnnl_version();
  return fmt::format("{}.{}.{} isa {:x}", version->major, version->minor, version->patch,
                     static_cast<unsigned>(dnnl::get_effective_cpu_isa()));
}

}  // namespace zoo::engine
