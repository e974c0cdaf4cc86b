// Dense convolutions of bf16 networks that are computed some rows at a time, one after the other. Internal to
// nn/engine.
#pragma once

#include "nn/engine/lower/convolution_node.h"
#include "nn/engine/lower/step_compiler.h"

namespace zoo::engine {

/// Whether the dense convolution behind this one can take it over, some rows at a time.
bool feeds_bf16_rows(const StepCompiler& compiler, const ConvolutionNode& node);

/// Adds the step of a convolution and of those that were left to it.
void compile_bf16_rows(StepCompiler& compiler, const ConvolutionNode& last);

/// bf16_convolution.cpp: the problem in the formats that a network gives it.
ConvolutionProblem bf16_problem(const StepCompiler& compiler, const ConvolutionNode& node);
/// Whether a convolution multiplies one position only: a fully connected layer.
bool is_bf16_layer(const StepCompiler& compiler, graph::NodeId id);

}  // namespace zoo::engine
