// Tells builds of the engine apart.
#pragma once

#include <string_view>

namespace zoo::engine {

/// Hash of the engine's sources, the compiler and its flags; the build makes it (engine_revision.cmake).
extern const std::string_view kEngineRevision;

}  // namespace zoo::engine
