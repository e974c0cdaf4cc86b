// Precision -> how nodes become steps. Internal to nn/engine.
#pragma once

#include <span>

#include "nn/engine/executable.h"
#include "nn/engine/lower/step_compiler.h"

namespace zoo::engine {

/// In the order in which they are asked; the last one knows every operation. Anything but kAuto.
std::span<const Lowering> lowerings_of(Precision precision);

}  // namespace zoo::engine
