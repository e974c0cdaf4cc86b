// What InstructionSet stands for on this machine. Internal to the project.
#pragma once

#include "nn/engine/executable.h"
#include "nn/engine/machine/capabilities.h"

namespace zoo::engine {

/// What a network may use that was asked to be held to `wanted`. Throws EngineError if the processor lacks the set or
/// oneDNN is held below it.
Capabilities capabilities_for(InstructionSet wanted);

}  // namespace zoo::engine
