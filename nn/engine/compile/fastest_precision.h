// Precision::kAuto. Internal to the project: models/executables_in_use.h shares what is compiled here.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "nn/engine/executable.h"

namespace zoo::engine {

/// Compiles a network with these options, which name one precision.
using CompileExactly = std::function<std::shared_ptr<const Executable>(const CompileOptions& options)>;

/// Why no network can be compiled in `precision` with these options, whose own precision does not count; empty if it
/// can. See why_unavailable; int8 also needs a calibration.
std::string_view why_ruled_out(Precision precision, const CompileOptions& options);

/// What the times of a whole network depend on besides the machine: "network 0123456789abcdef 1x3x224x224 ...".
std::string network_key(const graph::BoundGraph& network, const Shape& input, const CompileOptions& options);

/// Compiles a network in every precision that is not ruled out, runs them by turns and yields the fastest. Their times
/// are remembered by `key` (network_key()) as those of kernels are: later only the fastest is compiled, so that the
/// same command gives the same answer. A precision in which no convolution has the kernel asked for is left out, unless
/// that leaves none: then UnknownKernelError, of the first. The note() of the result has the times and why others were
/// left out.
std::shared_ptr<const Executable> compile_fastest(const std::string& key, const CompileOptions& options,
                                                  const CompileExactly& compile);

}  // namespace zoo::engine
