#include "benchmarks/layer_benchmark.h"

#include <algorithm>
#include <memory>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "benchmarks/roofline.h"
#include "nn/engine/bf16/convolution_list.h"
#include "nn/engine/f32/convolution_list.h"
#include "nn/engine/int8/convolution_list.h"
#include "nn/engine/machine/aligned_buffer.h"
#include "nn/engine/machine/capabilities.h"
#include "nn/engine/plan/stored_bytes.h"

namespace zoo::benchmarks {
namespace {

using engine::kernels::KernelTable;

/// What a layer's maps are stored in, and the kernels for that.
struct Storage {
  engine::Precision precision;
  engine::Format format;
  engine::KernelList kernels;
};
constexpr Storage kStorages[] = {
    {engine::Precision::kF32, engine::kBlockedF32, engine::f32_convolution_kernels},
    {engine::Precision::kBf16, engine::kChannelsLastBf16, engine::bf16_convolution_kernels},
    {engine::Precision::kInt8, engine::kChannelsLastU8, engine::int8_convolution_kernels}};

/// Of values from -2.5 to 2.6.
std::shared_ptr<const engine::Quantization> quantization_of(int64_t channels) {
  const auto count = static_cast<size_t>(engine::kernels::int8_padded(channels));
  return std::make_shared<const engine::Quantization>(engine::Quantization{
      std::vector<float>(count, 0.02F), std::vector<float>(count, 50.0F), std::vector<float>(count, 125.0F)});
}

engine::ConvolutionProblem problem_of(const Layer& layer, const Storage& storage) {
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
  problem.src_format = layer.planar ? engine::kPlanarF32 : storage.format;
  problem.dst_format = storage.format;
  if (storage.format == engine::kChannelsLastU8) {
    problem.quantization = {quantization_of(layer.in_channels), quantization_of(layer.out_channels), nullptr};
  }
  return problem;
}

void run_layer(benchmark::State& state, const engine::ConvolutionProblem& problem,
               const engine::ConvolutionKernel& kernel, engine::Precision precision) {
  constexpr size_t kAlignment = 64;
  const size_t packed_bytes = (kernel.packed_bytes() + kAlignment - 1) / kAlignment * kAlignment;
  const size_t copies = 2 * engine::machine_capabilities().caches.l2 / packed_bytes + 2;
  const size_t src_bytes = engine::stored_bytes(problem.src, problem.src_format, kernel.lanes());
  const size_t dst_bytes = engine::stored_bytes(problem.dst, problem.dst_format, kernel.lanes());
  const engine::AlignedBuffer src(src_bytes);
  const engine::AlignedBuffer dst(dst_bytes);
  const engine::AlignedBuffer scratch(kernel.scratch_bytes(1));
  const engine::AlignedBuffer packed(packed_bytes * copies);
  // Numbers of usual size in f32, bf16 and u8.
  std::fill_n(reinterpret_cast<uint32_t*>(src.data()), src.size() / sizeof(uint32_t), 0x3F803F80U);
  const std::vector<float> weights(static_cast<size_t>(problem.weight_count()), 0.01F);
  const std::vector<float> bias(static_cast<size_t>(problem.bias_count()), 0.0F);
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
  const int64_t macs = problem.weight_count() * problem.dst[2] * problem.dst[3];
  count_work(state, {macs, kernel.packed_bytes(), src_bytes + dst_bytes}, precision);
  constexpr auto kRate = benchmark::Counter::kIsIterationInvariantRate;
  const double gflop = 2e-9 * static_cast<double>(macs);
  state.counters["share_of_peak"] = benchmark::Counter(gflop / roofline(precision).gflops, kRate);
}

}  // namespace

void register_layers(const std::string& family, std::span<const Layer> layers) {
  const KernelTable& table = engine::kernels::kernel_table(engine::machine_capabilities().isa);
  for (const Layer& layer : layers) {
    for (const Storage& storage : kStorages) {
      if (!engine::why_unavailable(storage.precision).empty()) continue;
      const engine::ConvolutionProblem problem = problem_of(layer, storage);
      for (auto& kernel : storage.kernels(problem, table)) {
        if (kernel->is_last_resort()) continue;
        const std::string name =
            fmt::format("{}/{}/{}x{}x{}k{}s{}/{}", family, layer.network, layer.in_channels, layer.out_channels,
                        layer.size, layer.kernel, layer.stride, kernel->name());
        benchmark::RegisterBenchmark(
            name.c_str(), [problem, precision = storage.precision, shared = std::shared_ptr(std::move(kernel))](
                              benchmark::State& state) { run_layer(state, problem, *shared, precision); });
      }
    }
  }
}

}  // namespace zoo::benchmarks
