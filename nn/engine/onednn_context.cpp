#include "nn/engine/onednn_context.h"

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/engine/step_compiler.h"

namespace zoo::engine {

const dnnl::engine& onednn_engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::stream& onednn_stream() {
  thread_local dnnl::stream stream(onednn_engine());
  return stream;
}

namespace {

/// Whether processor and oneDNN both use the set.
bool is_usable(kernels::Isa isa) {
  using dnnl::cpu_isa;
  const int effective = static_cast<int>(dnnl::get_effective_cpu_isa());
  const auto has = [&](cpu_isa set) { return (effective & static_cast<int>(set)) == static_cast<int>(set); };
  if (isa == kernels::Isa::kAvx512 && !has(cpu_isa::avx512_core)) return false;
  if (isa == kernels::Isa::kAvx2 && !has(cpu_isa::avx2)) return false;
  return kernels::is_supported(isa);
}

}  // namespace

kernels::Isa engine_isa(InstructionSet wanted) {
  using kernels::Isa;
  if (wanted == InstructionSet::kAuto) {
    for (const Isa isa : {Isa::kAvx512, Isa::kAvx2}) {
      if (is_usable(isa)) return isa;
    }
    return Isa::kSse;
  }
  const Isa isa = wanted == InstructionSet::kAvx512 ? Isa::kAvx512
                  : wanted == InstructionSet::kAvx2 ? Isa::kAvx2
                                                    : Isa::kSse;
  if (is_usable(isa)) return isa;
  throw EngineError(fmt::format(
      "instruction set {}: {}", to_string(wanted),
      kernels::is_supported(isa) ? "ONEDNN_MAX_CPU_ISA holds oneDNN below it" : "this processor does not have it"));
}

}  // namespace zoo::engine
