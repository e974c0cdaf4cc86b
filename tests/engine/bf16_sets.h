// The instruction sets that tests of bf16 networks run for.
#pragma once

#include <string>
#include <vector>

#include "nn/engine/executable.h"
#include "nn/engine/machine/capabilities.h"

namespace zoo::engine {

/// What a network is held to so that its dense convolutions use the set, and what their kernels' names begin with.
struct Bf16Set {
  kernels::Bf16Isa isa;
  InstructionSet held_to;
  std::string prefix;
};

/// Those of this machine, best first.
inline std::vector<Bf16Set> bf16_sets() {
  const Capabilities& machine = machine_capabilities();
  std::vector<Bf16Set> sets;
  if (machine.amx_bf16) sets.push_back({kernels::Bf16Isa::kAmx, InstructionSet::kAuto, "own:amx_"});
  if (machine.avx512_bf16) sets.push_back({kernels::Bf16Isa::kDot, InstructionSet::kAvx512, "own:dot_"});
  return sets;
}

}  // namespace zoo::engine
