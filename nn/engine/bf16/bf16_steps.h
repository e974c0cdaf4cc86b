// Steps of bf16 networks, on the kernels of kernels/bf16.h. Internal to nn/engine.
//
// Feature maps are channels-last bf16, vectors (maps of one position included) blocked f32. What has no kernel here
// runs on its f32 step, with conversions around it.
#pragma once

#include "nn/engine/lower/step_compiler.h"

namespace zoo::engine {

/// Compiles a node; false if it has no bf16 form, then nothing was added.
bool compile_bf16(StepCompiler& compiler, graph::NodeId id);

/// bf16_convolution.cpp
bool compile_bf16_convolution(StepCompiler& compiler, graph::NodeId id, const graph::Conv2d& op);

/// With weights in bf16.
void compile_bf16_layer(StepCompiler& compiler, graph::NodeId id, const VectorLayerSpec& layer);

/// dst = f(src) or f(src + other) of channels-last maps; `other` may be -1. `id` is yielded by the result.
void compile_bf16_map(StepCompiler& compiler, graph::NodeId id, ValueId src, ValueId other,
                      kernels::ResolvedActivation function);

}  // namespace zoo::engine
