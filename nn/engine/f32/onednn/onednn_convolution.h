// Convolutions on oneDNN's primitives. Internal to nn/engine.
#pragma once

#include <memory>

#include "nn/engine/choice/convolution.h"

namespace zoo::engine {

/// Null if oneDNN has nothing for the problem but its plain loops.
std::unique_ptr<ConvolutionKernel> make_onednn_convolution(const ConvolutionProblem& problem,
                                                           const kernels::KernelTable& table);

}  // namespace zoo::engine
