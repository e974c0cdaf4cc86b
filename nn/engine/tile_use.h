// Whether f32 convolutions may be computed on AMX's tiles. Internal to nn/engine.
#pragma once

#include <cstdint>

#include "nn/engine/executable.h"
#include "nn/engine/kernels/split_conv.h"

namespace zoo::engine {

/// What decides it.
struct TileFacts {
  bool is_usable = false;  ///< engine_has_amx_bf16(): the processor, the system and ONEDNN_MAX_CPU_ISA allow them
  InstructionSet asked = InstructionSet::kAuto;
  int64_t lanes = 0;  ///< of a block of the network's maps
};

/// Only where nothing less was asked for, and where maps lie in the blocks that the tiles' kernels read.
constexpr bool may_use_tiles(const TileFacts& facts) {
  return facts.is_usable && facts.asked == InstructionSet::kAuto && facts.lanes == kernels::kSplitLanes;
}

}  // namespace zoo::engine
