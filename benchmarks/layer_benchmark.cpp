#include "benchmarks/layer_benchmark.h"

#include <algorithm>
#include <memory>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "benchmarks/roofline.h"
#include "nn/engine/f32/convolution_list.h"
#include "nn/engine/lower/step_compiler.h"
#include "nn/engine/machine/aligned_buffer.h"
#include "nn/engine/machine/capabilities.h"
#include "nn/engine/plan/planned_executable.h"

namespace zoo::benchmarks {
namespace {

using engine::kernels::KernelTable;

engine::ConvolutionProblem problem_of(const Layer& layer) {
  engine::ConvolutionProblem problem;
  graph::Conv2d& op = problem.op;
  op.in_channels = layer.in_channels;
  op.out_channels = layer.out_channels;
  op.kernel = {layer.kernel, layer.kernel};
  op.stride = {layer.stride, layer.stride};
  op.pad = {layer.kernel / 2, layer.kernel / 2};
  op.groups = layer.groups;
  op.weight = 0;
  op.bias = 1;
  const int64_t dst_size = (layer.size - 1) / layer.stride + 1;
  problem.src = {1, layer.in_channels, layer.size, layer.size};
  problem.dst = {1, layer.out_channels, dst_size, dst_size};
  problem.pad = graph::resolve_padding(op, {layer.size, layer.size});
  problem.activation.kind = ActivationKind::kRelu;
  problem.machine = engine::machine_capabilities();
  if (layer.planar) problem.src_format = engine::kPlanarF32;
  return problem;
}

/// Enough for a map in any layout.
size_t map_bytes(const Shape& shape) {
  constexpr int64_t kMostLanes = 16;
  return static_cast<size_t>(engine::kernels::block_count(shape[1], kMostLanes) * kMostLanes * shape[2] * shape[3]) *
         sizeof(float);
}

void run_layer(benchmark::State& state, const engine::ConvolutionProblem& problem,
               const engine::ConvolutionKernel& kernel) {
  static const double peak = roofline().gflops;
  const graph::Conv2d& op = problem.op;
  const int64_t taps = op.in_channels / op.groups * op.kernel.h * op.kernel.w;
  constexpr size_t kAlignment = 64;
  const size_t packed_bytes = (kernel.packed_bytes() + kAlignment - 1) / kAlignment * kAlignment;
  const size_t copies = 2 * engine::machine_capabilities().caches.l2 / packed_bytes + 2;
  const engine::AlignedBuffer src(map_bytes(problem.src));
  const engine::AlignedBuffer dst(map_bytes(problem.dst));
  const engine::AlignedBuffer scratch(kernel.scratch_bytes(1));
  const engine::AlignedBuffer packed(packed_bytes * copies);
  std::fill_n(reinterpret_cast<float*>(src.data()), src.size() / sizeof(float), 1.0F);
  const std::vector<float> weights(static_cast<size_t>(op.out_channels * taps), 0.01F);
  const std::vector<float> bias(static_cast<size_t>(op.out_channels), 0.0F);
  std::vector<std::unique_ptr<engine::BoundStep>> runs;
  for (size_t i = 0; i < copies; ++i) {
    std::byte* copy = packed.data() + i * packed_bytes;
    kernel.pack(weights, bias, copy);
    runs.push_back(kernel.bind({.src = src.data(), .packed = copy, .dst = dst.data(), .scratch = scratch.data()}));
  }
  size_t next = 0;
  for (auto _ : state) {
    runs[next]->run();
    next = next + 1 == copies ? 0 : next + 1;
  }
  const double gflop = 2e-9 * static_cast<double>(taps * problem.dst.elements());
  constexpr auto kRate = benchmark::Counter::kIsIterationInvariantRate;
  state.counters["GFLOP/s"] = benchmark::Counter(gflop, kRate);
  state.counters["share_of_peak"] = benchmark::Counter(gflop / peak, kRate);
}

}  // namespace

void register_layers(const std::string& family, std::span<const Layer> layers) {
  const KernelTable& table = engine::kernels::kernel_table(engine::machine_capabilities().isa);
  for (const Layer& layer : layers) {
    const engine::ConvolutionProblem problem = problem_of(layer);
    for (auto& kernel : engine::f32_convolution_kernels(problem, table)) {
      if (kernel->is_last_resort()) continue;
      const std::string name = fmt::format("{}/{}/{}x{}x{}k{}s{}/{}", family, layer.network, layer.in_channels,
                                           layer.out_channels, layer.size, layer.kernel, layer.stride, kernel->name());
      benchmark::RegisterBenchmark(name.c_str(), [problem, shared = std::shared_ptr(std::move(kernel))](
                                                     benchmark::State& state) { run_layer(state, problem, *shared); });
    }
  }
}

}  // namespace zoo::benchmarks
