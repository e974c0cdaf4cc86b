// Steps of f32 networks. Internal to nn/engine.
#pragma once

#include <span>

#include "nn/engine/lower/fusion_plan.h"
#include "nn/engine/lower/lowering.h"

namespace zoo::engine {

/// Adds the f32 steps of a node, which are also those of other precisions that have none of their own. Always true.
bool compile_f32(const LoweringContext& context, graph::NodeId id);

/// convolution.cpp: a pointwise convolution and the depthwise one that reads it, a full 3x3 and the pointwise one.
std::span<const GroupKind* const> f32_groups();

/// One function per operation: one that is missing does not compile. convolution.cpp:
void compile_op(const LoweringContext& context, graph::NodeId id, const graph::Conv2d& op);
/// vectors.cpp
void compile_op(const LoweringContext& context, graph::NodeId id, const graph::GlobalAvgPool& op);
void compile_op(const LoweringContext& context, graph::NodeId id, const graph::Linear& op);
void compile_op(const LoweringContext& context, graph::NodeId id, const graph::SqueezeExcite& op);
void compile_op(const LoweringContext& context, graph::NodeId id, const graph::Mul& op);
void compile_op(const LoweringContext& context, graph::NodeId id, const graph::Flatten& op);
void compile_op(const LoweringContext& context, graph::NodeId id, const graph::InstanceNorm& op);
void compile_op(const LoweringContext& context, graph::NodeId id, const graph::Add& op);
void compile_op(const LoweringContext& context, graph::NodeId id, const graph::Activation& op);
/// maps.cpp
void compile_op(const LoweringContext& context, graph::NodeId id, const graph::AvgPool2d& op);
void compile_op(const LoweringContext& context, graph::NodeId id, const graph::MaxPool2d& op);
void compile_op(const LoweringContext& context, graph::NodeId id, const graph::Resize& op);
void compile_op(const LoweringContext& context, graph::NodeId id, const graph::MultiQueryAttention& op);
/// channel_moves.cpp
void compile_op(const LoweringContext& context, graph::NodeId id, const graph::Concat& op);
void compile_op(const LoweringContext& context, graph::NodeId id, const graph::SliceChannels& op);
void compile_op(const LoweringContext& context, graph::NodeId id, const graph::ShuffleChannels& op);
/// f32_steps.cpp: what no optimised network holds. Throw EngineError.
void compile_op(const LoweringContext& context, graph::NodeId id, const graph::Input& op);
void compile_op(const LoweringContext& context, graph::NodeId id, const graph::BatchNorm& op);
void compile_op(const LoweringContext& context, graph::NodeId id, const graph::ScaleChannels& op);
void compile_op(const LoweringContext& context, graph::NodeId id, const graph::BlurPool2d& op);

/// vectors.cpp
/// dst = f(src) or f(src + other); `other` may be -1.
void compile_map(const LoweringContext& context, graph::NodeId id, ValueId src, ValueId other,
                 kernels::ResolvedActivation function);

}  // namespace zoo::engine
