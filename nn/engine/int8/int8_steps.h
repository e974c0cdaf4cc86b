// Steps of int8 networks, on the kernels of kernels/int8.h. Internal to nn/engine.
//
// Maps are channels-last u8 with the quantisation of the node that yields them, vectors (maps of one position included)
// blocked f32. What has no kernel here runs on its f32 step, with conversions around it.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "nn/engine/lower/fusion_plan.h"
#include "nn/engine/lower/lowering.h"
#include "nn/engine/plan/int8_values.h"

namespace zoo::engine {

/// The operations that have steps which read maps as u8. compile_int8 asks this list what to compile, and
/// int8_convolution.cpp what will be read so: an operation that is missing here has no int8 steps, whatever is written
/// for it.
template <typename Op>
inline constexpr bool kReadsInt8Maps =
    std::is_same_v<Op, graph::Conv2d> || std::is_same_v<Op, graph::SqueezeExcite> ||
    std::is_same_v<Op, graph::GlobalAvgPool> || std::is_same_v<Op, graph::Add> || std::is_same_v<Op, graph::Activation>;

/// Compiles a node; false if it has no int8 form, then nothing was added.
bool compile_int8(const LoweringContext& context, graph::NodeId id);

/// int8_convolution.cpp: dense convolutions that read each other, some rows at a time.
std::span<const GroupKind* const> int8_groups();
bool compile_int8_convolution(const LoweringContext& context, graph::NodeId id, const graph::Conv2d& op);

/// Whether a layer of so many inputs has an int8 form: with more, less than 8 bits would be left of each input.
constexpr bool is_int8_layer_size(int64_t inputs) { return inputs <= kernels::kInt8MostProducts; }
/// dst = f(a) or f(a + b) of u8 maps; `b` may be -1. `id` is yielded by the result.
void compile_int8_map(const LoweringContext& context, graph::NodeId id, ValueId a, ValueId b,
                      kernels::ResolvedActivation function);

/// With weights in 8 bits; false where !is_int8_layer_size(), then nothing was added.
bool compile_int8_layer(const LoweringContext& context, graph::NodeId id, const VectorLayerSpec& layer);

}  // namespace zoo::engine
