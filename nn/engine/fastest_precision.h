// Precision::kAuto. Internal to nn/engine.
#pragma once

#include <functional>
#include <memory>

#include "nn/engine/executable.h"

namespace zoo::engine {

/// Compiles a network with these options, which name one precision.
using CompileExactly = std::function<std::shared_ptr<const Executable>(const CompileOptions& options)>;

/// Compiles a network in every precision that the machine has - in int8 if `options.calibration` is there -, runs them
/// by turns and yields the fastest. Its note() has the times.
std::shared_ptr<const Executable> compile_fastest(const CompileOptions& options, const CompileExactly& compile);

}  // namespace zoo::engine
