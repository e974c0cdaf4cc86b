#include "nn/engine/instruction_set.h"

#include <fmt/format.h>

#include "nn/core/error.h"

namespace zoo::engine {
namespace {

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

bool is_available(InstructionSet isa) { return machine_capabilities().has(to_isa(isa)); }

Capabilities capabilities_for(InstructionSet wanted) {
  const Capabilities& all = machine_capabilities();
  if (wanted == InstructionSet::kAuto) return all;
  const kernels::Isa isa = to_isa(wanted);
  if (all.has(isa)) return held_to(all, isa);
  const Capabilities unbound = capabilities_of(processor_features(), kUnboundOneDnn, all.caches);
  throw EngineError(
      fmt::format("instruction set {}: {}", to_string(wanted),
                  unbound.has(isa) ? "ONEDNN_MAX_CPU_ISA holds oneDNN below it" : "this processor does not have it"));
}

std::string_view why_unavailable(Precision precision, InstructionSet isa) {
  if (precision == Precision::kF32 || precision == Precision::kAuto) return {};
  const auto can_run = [precision](const Capabilities& machine) {
    return precision == Precision::kInt8 ? machine.int8().has_value() : machine.bf16().has_value();
  };
  if (!is_available(isa)) return "the instruction set asked for is not available here";
  if (can_run(capabilities_for(isa))) return {};
  const Capabilities& all = machine_capabilities();
  if (precision == Precision::kBf16) {
    return can_run(all)
               ? "its kernels need AVX512-BF16, which the instruction set asked for leaves out"
               : "this machine has no AVX512-BF16 (or may not use it): every number would be widened before f32's own "
                 "multiply-adds, which is more work than f32";
  }
  if (all.has(kernels::Isa::kAvx512) && isa != InstructionSet::kSse) {
    return "this machine has AVX-512 without VNNI, where int8 would be slower than f32; held to AVX2 it can run";
  }
  return all.has(kernels::Isa::kAvx2) ? "its kernels need AVX2, which the instruction set asked for leaves out"
                                      : "this machine has no AVX2, without which int8 would be slower than f32";
}

}  // namespace zoo::engine
