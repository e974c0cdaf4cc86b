// How nodes become steps: what the files that compile one family of operations each are given. Internal to nn/engine.
#pragma once

#include "nn/engine/choice/kernel_choice.h"
#include "nn/engine/lower/network_facts.h"
#include "nn/engine/lower/network_values.h"
#include "nn/engine/lower/packing.h"

namespace zoo::engine {

/// What they read, and what they add to.
struct LoweringContext {
  const NetworkFacts& network;
  NetworkValues& values;
  Packing& packing;
  Steps& steps;
  KernelChooser& chooser;
};

/// Adds the steps of a node in one storage format; false if the format has none for it, then nothing was added.
using Lowering = bool (*)(const LoweringContext& context, graph::NodeId id);

/// y = f(W x + bias) of vectors [N, C].
struct VectorLayerSpec {
  ParameterId weight = graph::kNone;  ///< [outputs, inputs] or [outputs, inputs, 1, 1]
  ParameterId bias = graph::kNone;
  int64_t inputs = 0;
  int64_t outputs = 0;
  graph::FusedActivation activation = {};
};

}  // namespace zoo::engine
