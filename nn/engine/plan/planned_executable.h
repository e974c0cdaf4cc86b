// A compiled network with its memory planned: packed weights, one arena of activations per runner.
#pragma once

#include <memory>
#include <vector>

#include "nn/engine/executable.h"
#include "nn/engine/plan/compiled_steps.h"

namespace zoo::engine {

/// `graph` names the outputs.
std::shared_ptr<const Executable> plan_executable(CompiledSteps compiled, const graph::Graph& graph,
                                                  Precision precision);

/// A runner that reads what lies elsewhere.
class PartRunner : public Runner {
 public:
  /// The next run reads `inputs[part]`.
  virtual void select(size_t part) = 0;
};

/// For what plan_executable has made. `inputs`: every place that the runner is to read from, each as large as the
/// executable's input. They outlive the runner.
std::unique_ptr<PartRunner> new_part_runner(const Executable& executable, std::vector<float*> inputs, int threads = 1);

}  // namespace zoo::engine
