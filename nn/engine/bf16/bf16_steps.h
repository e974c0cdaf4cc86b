// Steps of bf16 networks, on the kernels of kernels/bf16.h. Internal to nn/engine.
//
// Feature maps are channels-last bf16, vectors (maps of one position included) blocked f32. What has no kernel here
// runs on its f32 step, with conversions around it.
#pragma once

#include <span>

#include "nn/engine/lower/fusion_plan.h"
#include "nn/engine/lower/lowering.h"

namespace zoo::engine {

/// Compiles a node; false if it has no bf16 form, then nothing was added.
bool compile_bf16(const LoweringContext& context, graph::NodeId id);

/// bf16_convolution.cpp: dense convolutions that read each other, some rows at a time; a dense one and the depthwise
/// one that reads it.
std::span<const GroupKind* const> bf16_groups();
bool compile_bf16_convolution(const LoweringContext& context, graph::NodeId id, const graph::Conv2d& op);

/// With weights in bf16.
void compile_bf16_layer(const LoweringContext& context, graph::NodeId id, const VectorLayerSpec& layer);

/// dst = f(src) or f(src + other) of channels-last maps; `other` may be -1. `id` is yielded by the result.
void compile_bf16_map(const LoweringContext& context, graph::NodeId id, ValueId src, ValueId other,
                      kernels::ResolvedActivation function);

}  // namespace zoo::engine
