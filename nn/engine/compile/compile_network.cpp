#include "nn/engine/compile/compile_network.h"

#include <exception>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/engine/compile/lowerings.h"
#include "nn/engine/f32/onednn/onednn_errors.h"
#include "nn/engine/lower/compile_steps.h"
#include "nn/engine/machine/parallel.h"
#include "nn/engine/machine/thread_pool.h"
#include "nn/engine/plan/planned_executable.h"

namespace zoo::engine {

std::shared_ptr<const Executable> compile_network(const graph::BoundGraph& network, const Shape& input,
                                                  const CompileOptions& options) {
  const Precision precision = options.precision.value_or(Precision::kF32);
  ThreadPool pool(options.tuned_threads);  // kernels are chosen by how long they take with these threads
  const PoolScope scope(&pool);
  try {
    CompiledSteps steps = compile_steps(network, input, options, lowering_of(precision));
    auto executable = plan_executable(std::move(steps), network.graph, precision);
    for (const auto& owner : network.values.owners) owner->set_aside();  // packed copies are what runs
    return executable;
  } catch (const std::exception& error) {
    const std::optional<std::string> problem = onednn_problem(error);
    if (!problem) throw;
    throw EngineError(fmt::format("compiling for input {}: {}", input.to_string(), *problem));
  }
}

}  // namespace zoo::engine
