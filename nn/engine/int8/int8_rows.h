// Dense convolutions of int8 networks that are computed some rows at a time, one after the other. Internal to
// nn/engine.
#pragma once

#include "nn/engine/lower/convolution_node.h"
#include "nn/engine/lower/step_compiler.h"

namespace zoo::engine {

/// Leaves a convolution to the one that reads it, or adds the step of those that were left to it and itself; false if
/// it is to be computed alone, then nothing was done.
bool compile_int8_rows(StepCompiler& compiler, const ConvolutionNode& node);

/// int8_convolution.cpp: the problem in the formats that a network gives it.
ConvolutionProblem int8_problem(const StepCompiler& compiler, const ConvolutionNode& node);

}  // namespace zoo::engine
