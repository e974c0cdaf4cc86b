// Depthwise convolutions on own kernels, alone and after the pointwise ones that they read. Internal to nn/engine.
#pragma once

#include <vector>

#include "nn/engine/choice/convolution.h"
#include "nn/engine/kernels/f32/depthwise.h"

namespace zoo::engine {

/// The own kernel of a depthwise convolution; null if there is none.
kernels::DepthwiseFunction depthwise_function(const ConvolutionProblem& problem, const kernels::KernelTable& table);

/// How rows of the result are cut into tiles.
std::vector<kernels::TileRun> depthwise_runs(const ConvolutionProblem& problem, const kernels::KernelTable& table);

/// The convolution without the addresses of weights and bias. `runs` must stay.
kernels::DepthwiseConv depthwise_op(const ConvolutionProblem& problem, const kernels::KernelTable& table,
                                    const std::vector<kernels::TileRun>& runs);

}  // namespace zoo::engine
