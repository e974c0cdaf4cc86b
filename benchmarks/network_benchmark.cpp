// Whole networks, one thread: time, GFLOP/s, the share of the core's fp32 multiply-add peak and that of the sum of the
// steps' limits (engine::Roofline), which are measured in the same run. bf16 networks, which multiply on AMX tiles, may
// exceed the first.
#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "benchmarks/roofline.h"
#include "models/model.h"

namespace zoo::benchmarks {
namespace {

/// The limits that everything else is compared with.
void machine(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(&roofline());
  state.counters["GFLOP/s"] = roofline().gflops;
  for (const engine::MemoryLevel& level : roofline().levels) state.counters[level.name + "_GB/s"] = level.read_gb_s;
}
BENCHMARK(machine)->Iterations(1);

void network(benchmark::State& state, const std::string& config,
             engine::Precision precision = engine::Precision::kF32) {
  if (const std::string_view reason = engine::why_unavailable(precision); !reason.empty()) {
    state.SkipWithError(std::string(reason).c_str());
    return;
  }
  models::LoadModelOptions options;
  options.random_weights = true;
  const models::Model model = models::Model::load(std::string(ZOO_SOURCE_DIR "/configs/") + config, options);
  const Shape input{state.range(0), 3, 224, 224};
  engine::CompileOptions compile;
  compile.outputs = {"logits"};
  compile.precision = precision;
  const auto executable = model.compile(input, compile);
  const auto runner = executable->new_runner();
  const std::span<float> image = runner->input();
  for (size_t i = 0; i < image.size(); ++i) image[i] = static_cast<float>(i % 255) / 255.0F - 0.5F;
  const size_t network_bytes = executable->weight_bytes() + executable->activation_bytes(1);
  double macs = 0.0;
  double limit_ms = 0.0;
  for (const engine::StepInfo& step : executable->steps()) {
    macs += static_cast<double>(step.macs * step.runs);
    limit_ms += roofline().limit_of(step, network_bytes, 1).ms;
  }
  runner->run();
  std::vector<double> seconds;
  for (auto _ : state) {
    const auto start = std::chrono::steady_clock::now();
    runner->run();
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  // The median: another process on the core makes single runs long, never short.
  const auto middle = seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2);
  std::nth_element(seconds.begin(), middle, seconds.end());
  const double gflops = 2.0 * macs * 1e-9 / *middle;
  state.counters["median_ms"] = *middle * 1e3;
  state.counters["GFLOP/s"] = gflops;
  state.counters["share_of_peak"] = gflops / roofline().gflops;
  state.counters["of_limit"] = limit_ms * 1e-3 / *middle;
}

BENCHMARK_CAPTURE(network, mobilenet_v3_small, "torchvision/mobilenet_v3_small.yaml")
    ->Arg(1)
    ->Arg(8)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(network, mobilenet_v3_large, "torchvision/mobilenet_v3_large.yaml")
    ->Arg(1)
    ->Arg(8)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(network, mobilenet_v4_conv_small, "timm/mobilenetv4_conv_small.yaml")
    ->Arg(1)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(network, mobilenet_v4_conv_medium, "timm/mobilenetv4_conv_medium.yaml")
    ->Arg(1)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(network, mobilenet_v3_small_bf16, "torchvision/mobilenet_v3_small.yaml", engine::Precision::kBf16)
    ->Arg(1)
    ->Arg(8)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(network, mobilenet_v3_large_bf16, "torchvision/mobilenet_v3_large.yaml", engine::Precision::kBf16)
    ->Arg(1)
    ->Arg(8)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(network, mobilenet_v4_conv_small_bf16, "timm/mobilenetv4_conv_small.yaml", engine::Precision::kBf16)
    ->Arg(1)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(network, mobilenet_v4_conv_medium_bf16, "timm/mobilenetv4_conv_medium.yaml", engine::Precision::kBf16)
    ->Arg(1)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(network, demo_emoji, "demo/emoji.yaml")->Arg(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace zoo::benchmarks
