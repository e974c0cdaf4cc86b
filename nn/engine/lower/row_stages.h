// Which convolutions become stages of a RowChain. Internal to nn/engine.
#pragma once

#include <cstddef>
#include <variant>

#include "nn/engine/lower/step_compiler.h"
#include "nn/engine/plan/row_chain.h"

namespace zoo::engine {

/// Whether convolution `id`, a stage itself, is to be left to the one that reads it, as `is_stage(node, operation)` has
/// it for that one. Maps below `least_bytes` stay in the cache anyway.
template <typename IsStage>
bool feeds_row_stage(const StepCompiler& compiler, graph::NodeId id, size_t map_bytes, size_t least_bytes,
                     IsStage is_stage) {
  const graph::NodeId reader = compiler.sole_reader(id);
  if (reader == graph::kNone || map_bytes < least_bytes) return false;
  if (compiler.with_left(id).size() >= RowChain::kMaxStages) return false;
  const auto* op = std::get_if<graph::Conv2d>(&compiler.node(reader).op);
  return op != nullptr && is_stage(reader, *op);
}

}  // namespace zoo::engine
