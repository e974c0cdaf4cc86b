// From an optimised network to steps: groups are decided first, then every node, or group of nodes, gets its steps.
#pragma once

#include <span>

#include "nn/engine/lower/fusion_plan.h"
#include "nn/engine/lower/lowering.h"

namespace zoo::engine {

/// How the nodes of a network in one precision become steps.
struct NetworkLowering {
  /// Each node gets its steps from the first of these that has some for it.
  std::span<const Lowering> nodes = {};
  /// What several nodes may become together.
  std::span<const GroupKind* const> groups = {};
};

/// Precision::kInt8 needs `options.calibration`. Throws EngineError, naming the node, where nothing computes a node or
/// one is read that no step yields.
CompiledSteps compile_steps(const graph::BoundGraph& network, const Shape& input, const CompileOptions& options,
                            const NetworkLowering& lowering);

}  // namespace zoo::engine
