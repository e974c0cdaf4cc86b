// Pointwise convolutions of the zoo at batch 1, one thread, by own kernels and by oneDNN: GFLOP/s. Weights come from
// the L3 cache, as in a network; activations stay wherever the previous run left them. To compare the two on a machine
// that does other work as well, take the least time of many short repetitions.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "nn/engine/aligned_buffer.h"
#include "nn/engine/convolution.h"
#include "nn/engine/processor.h"
#include "nn/engine/step_compiler.h"

namespace zoo::benchmarks {
namespace {

using engine::kernels::KernelTable;

struct Layer {
  const char* network;
  int64_t in_channels;
  int64_t out_channels;
  int64_t size;  ///< height and width
};

constexpr Layer kLayers[] = {
    {"v3_small", 16, 72, 56},         {"v3_small", 24, 88, 28},         {"v3_small", 40, 240, 14},
    {"v3_small", 240, 40, 14},        {"v3_small", 96, 576, 7},         {"v3_small", 576, 96, 7},
    {"v3_large", 16, 64, 112},        {"v3_large", 72, 24, 56},         {"v3_large", 40, 120, 28},
    {"v3_large", 80, 480, 14},        {"v3_large", 672, 112, 14},       {"v3_large", 160, 960, 7},
    {"v3_large", 960, 160, 7},        {"v4_conv_small", 96, 64, 28},    {"v4_conv_small", 96, 192, 14},
    {"v4_conv_small", 384, 96, 14},   {"v4_conv_small", 128, 512, 7},   {"v4_conv_small", 512, 128, 7},
    {"v4_conv_medium", 192, 80, 28},  {"v4_conv_medium", 80, 160, 28},  {"v4_conv_medium", 160, 640, 14},
    {"v4_conv_medium", 640, 160, 14}, {"v4_conv_medium", 256, 1024, 7}, {"v4_conv_medium", 1024, 256, 7},
};

engine::ConvolutionProblem problem_of(const Layer& layer) {
  engine::ConvolutionProblem problem;
  problem.op.in_channels = layer.in_channels;
  problem.op.out_channels = layer.out_channels;
  problem.op.weight = 0;
  problem.op.bias = 1;
  problem.src = {1, layer.in_channels, layer.size, layer.size};
  problem.dst = {1, layer.out_channels, layer.size, layer.size};
  problem.pad = {{0, 0}, {0, 0}};
  problem.activation.kind = ActivationKind::kRelu;
  return problem;
}

size_t rounded_up(size_t bytes) { return (bytes + 63) / 64 * 64; }

void pointwise(benchmark::State& state, const engine::ConvolutionProblem& problem,
               const engine::ConvolutionKernel& kernel) {
  const auto map_bytes = [](const Shape& shape) {
    constexpr int64_t kMostLanes = 16;
    return static_cast<size_t>(engine::kernels::block_count(shape[1], kMostLanes) * kMostLanes * shape[2] * shape[3]) *
           sizeof(float);
  };
  const size_t packed_bytes = rounded_up(kernel.packed_bytes());
  const size_t copies = 2 * engine::l2_cache_bytes() / packed_bytes + 2;
  const engine::AlignedBuffer src(map_bytes(problem.src));
  const engine::AlignedBuffer dst(map_bytes(problem.dst));
  const engine::AlignedBuffer scratch(kernel.scratch_bytes());
  const engine::AlignedBuffer packed(packed_bytes * copies);
  std::fill_n(reinterpret_cast<float*>(src.data()), src.size() / sizeof(float), 1.0F);
  const std::vector<float> weights(static_cast<size_t>(problem.op.in_channels * problem.op.out_channels), 0.01F);
  const std::vector<float> bias(static_cast<size_t>(problem.op.out_channels), 0.0F);
  std::vector<std::unique_ptr<engine::BoundStep>> runs;
  for (size_t i = 0; i < copies; ++i) {
    std::byte* copy = packed.data() + i * packed_bytes;
    kernel.pack(weights, bias, copy);
    runs.push_back(kernel.bind({.src = reinterpret_cast<const float*>(src.data()),
                                .packed = copy,
                                .dst = reinterpret_cast<float*>(dst.data()),
                                .scratch = scratch.data()}));
  }
  size_t next = 0;
  for (auto _ : state) {
    runs[next]->run();
    next = next + 1 == copies ? 0 : next + 1;
  }
  const double operations = 2.0 * static_cast<double>(problem.op.in_channels * problem.dst.elements());
  state.counters["GFLOP/s"] = benchmark::Counter(operations * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

/// One benchmark for each layer and each kernel that may be chosen for it.
const bool kRegistered = [] {
  const KernelTable& table = engine::kernels::kernel_table(engine::engine_isa(engine::InstructionSet::kAuto));
  for (const Layer& layer : kLayers) {
    const engine::ConvolutionProblem problem = problem_of(layer);
    for (auto& kernel : engine::convolution_kernels(problem, table)) {
      if (kernel->is_last_resort()) continue;
      const std::string name = "pointwise/" + std::string(layer.network) + "/" + std::to_string(layer.in_channels) +
                               "x" + std::to_string(layer.out_channels) + "x" + std::to_string(layer.size) + "/" +
                               kernel->name();
      benchmark::RegisterBenchmark(name.c_str(), [problem, shared = std::shared_ptr(std::move(kernel))](
                                                     benchmark::State& state) { pointwise(state, problem, *shared); });
    }
  }
  return true;
}();

}  // namespace
}  // namespace zoo::benchmarks
