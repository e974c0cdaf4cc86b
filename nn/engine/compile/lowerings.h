// Precision -> how nodes become steps. Internal to nn/engine.
#pragma once

#include "nn/engine/executable.h"
#include "nn/engine/lower/compile_steps.h"

namespace zoo::engine {

/// In the order in which they are asked; the last one knows every operation. Anything but kAuto.
NetworkLowering lowering_of(Precision precision);

}  // namespace zoo::engine
