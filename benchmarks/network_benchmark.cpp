// Whole networks, batch 1, one thread: time, GFLOP/s and the share of the core's fp32 multiply-add peak, which is
// measured in the same run, just before each network.
#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "benchmarks/fma_peak.h"
#include "models/model.h"

namespace zoo::benchmarks {
namespace {

void fma_peak(benchmark::State& state) {
  double operations = 0.0;
  for (auto _ : state) operations += static_cast<double>(run_fma(1'000'000));
  state.counters["GFLOP/s"] = benchmark::Counter(operations * 1e-9, benchmark::Counter::kIsRate);
}
BENCHMARK(fma_peak)->Unit(benchmark::kMillisecond);

void network(benchmark::State& state, const std::string& config) {
  models::LoadModelOptions options;
  options.random_weights = true;
  const models::Model model = models::Model::load(std::string(ZOO_SOURCE_DIR "/configs/") + config, options);
  const Shape input{state.range(0), 3, 224, 224};
  engine::CompileOptions compile;
  compile.outputs = {"logits"};
  const auto executable = model.compile(input, compile);
  const auto runner = executable->new_runner();
  const std::span<float> image = runner->input();
  for (size_t i = 0; i < image.size(); ++i) image[i] = static_cast<float>(i % 255) / 255.0F - 0.5F;
  double macs = 0.0;
  for (const engine::StepInfo& step : executable->steps()) macs += static_cast<double>(step.macs);

  const double peak = fma_peak_gflops();
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
  state.counters["peak_GFLOP/s"] = peak;
  state.counters["share_of_peak"] = gflops / peak;
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
BENCHMARK_CAPTURE(network, demo_emoji, "demo/emoji.yaml")->Arg(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace zoo::benchmarks
