#include "nn/engine/onednn_context.h"

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/engine/kernels/bf16.h"
#include "nn/engine/onednn_executable.h"
#include "nn/engine/onednn_isa.h"
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

using dnnl::cpu_isa;

/// Whether oneDNN uses the set here; ONEDNN_MAX_CPU_ISA may rule it out.
bool has(cpu_isa set) {
  const auto wanted = static_cast<unsigned>(set);
  return (onednn_isa() & wanted) == wanted;
}

/// Whether processor and oneDNN both use the set.
bool is_usable(kernels::Isa isa) {
  if (isa == kernels::Isa::kAvx512 && !has(cpu_isa::avx512_core)) return false;
  if (isa == kernels::Isa::kAvx2 && !has(cpu_isa::avx2)) return false;
  return kernels::is_supported(isa);
}

kernels::Isa to_isa(InstructionSet set) {
  switch (set) {
    case InstructionSet::kAvx512:
      return kernels::Isa::kAvx512;
    case InstructionSet::kAvx2:
      return kernels::Isa::kAvx2;
    case InstructionSet::kAuto:
    case InstructionSet::kSse:
      break;
  }
  return kernels::Isa::kSse;
}

}  // namespace

bool engine_has_amx_bf16() {
  return has(cpu_isa::avx512_core_amx) && is_usable(kernels::Isa::kAvx512) && kernels::amx_bf16_available();
}

kernels::Int8Isa engine_int8_isa() {
  using kernels::Int8Isa;
  if (!is_usable(kernels::Isa::kAvx512) || !has(cpu_isa::avx512_core_vnni)) return Int8Isa::kReference;
  if (has(cpu_isa::avx512_core_amx) && kernels::is_supported(Int8Isa::kAmx)) return Int8Isa::kAmx;
  return kernels::is_supported(Int8Isa::kVnni) ? Int8Isa::kVnni : Int8Isa::kReference;
}

bool is_available(InstructionSet isa) { return is_usable(to_isa(isa)); }

kernels::Isa engine_isa(InstructionSet wanted) {
  if (wanted == InstructionSet::kAuto) {
    for (const kernels::Isa isa : {kernels::Isa::kAvx512, kernels::Isa::kAvx2}) {
      if (is_usable(isa)) return isa;
    }
  }
  const kernels::Isa isa = to_isa(wanted);
  if (is_usable(isa)) return isa;
  throw EngineError(fmt::format(
      "instruction set {}: {}", to_string(wanted),
      kernels::is_supported(isa) ? "ONEDNN_MAX_CPU_ISA holds oneDNN below it" : "this processor does not have it"));
}

}  // namespace zoo::engine
