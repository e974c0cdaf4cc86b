// Executable::compile: from a network and options to what runs.
#include <fmt/format.h>

#include "nn/core/checked_values.h"
#include "nn/core/error.h"
#include "nn/engine/compile/batch_executable.h"
#include "nn/engine/compile/compile_network.h"
#include "nn/engine/compile/fastest_precision.h"
#include "nn/engine/executable.h"
#include "nn/engine/machine/thread_pool.h"
#include "nn/engine/reference/reference.h"

namespace zoo::engine {
namespace {

/// In one precision; a batch is split into parts that the caches hold, and these are spread over the cores.
std::shared_ptr<const Executable> compile_optimised(const graph::BoundGraph& optimised, const Shape& input,
                                                    const CompileOptions& options) {
  const int64_t images = input.rank() == 0 ? 0 : input[0];
  if (images < options.tuned_threads) return compile_network(optimised, input, options);
  const BatchSplit split = split_batch(images, options.tuned_threads);
  if (split.parts <= 1) return compile_network(optimised, input, options);
  CompileOptions single = options;
  single.tuned_threads = 1;
  Shape part = input;
  part[0] = split.part_images;
  return spread_batch(compile_network(optimised, part, single), images);
}

void check_threads(std::string_view what, int threads) {
  if (threads >= 1 && threads <= kMaxThreads) return;
  throw EngineError(fmt::format("{}: expected 1 to {}, found {}", what, kMaxThreads, threads));
}

void check(const CompileOptions& options) {
  check_threads("CompileOptions::tuned_threads", options.tuned_threads);
  if (options.kernels.wanted.empty()) {
    throw EngineError("KernelOptions::wanted: is empty; give auto, own, onednn, or part of an implementation's name");
  }
}

}  // namespace

std::shared_ptr<const Executable> Executable::compile(const graph::BoundGraph& network, const Shape& input,
                                                      const CompileOptions& options) {
  check(options);
  check_unchanged(network.values);
  graph::BoundGraph wanted = network;
  if (!options.outputs.empty()) wanted.graph = graph::select_outputs(network.graph, options.outputs);
  if (options.engine == EngineKind::kReference) return compile_reference(wanted, input);
  const Precision precision = options.precision.value_or(Precision::kF32);
  if (const std::string_view why = why_ruled_out(precision, options); !why.empty()) {
    throw EngineError(fmt::format("precision {}: {}; f32 runs everywhere, auto chooses the fastest that runs here",
                                  to_string(precision), why));
  }
  std::optional<graph::BoundGraph> for_size;  // made once, if it is needed
  const auto compile_exactly = [&](const CompileOptions& exact) {
    // The ranges of int8 are those of the values of the network as it is.
    if (exact.precision == Precision::kInt8) return compile_optimised(graph::optimise(wanted), input, exact);
    if (!for_size) for_size = graph::optimise(wanted, input);
    return compile_optimised(*for_size, input, exact);
  };
  auto executable = precision == Precision::kAuto
                        ? compile_fastest(network_key(wanted, input, options), options, compile_exactly)
                        : compile_exactly(options);
  check_unchanged(network.values);  // nor while they were read
  return executable;
}

std::unique_ptr<Runner> Executable::new_runner(int threads) const {
  check_threads("Executable::new_runner: threads", threads);
  return make_runner(threads);
}

}  // namespace zoo::engine
