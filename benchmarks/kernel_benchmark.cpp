// Own kernels on shapes of MobileNetV3-large, one thread.
#include <vector>

#include <benchmark/benchmark.h>

#include "nn/engine/step_compiler.h"

namespace zoo::benchmarks {
namespace {

using engine::kernels::block_count;
using engine::kernels::KernelTable;

const KernelTable& table() { return engine::kernels::kernel_table(engine::engine_isa(engine::InstructionSet::kAuto)); }

/// Arguments: channels, positions. Bytes: the map read once.
void global_avg_pool(benchmark::State& state) {
  const int64_t blocks = block_count(state.range(0), table().lanes);
  const std::vector<float> src(static_cast<size_t>(blocks * state.range(1) * table().lanes), 1.0F);
  std::vector<float> dst(static_cast<size_t>(blocks * table().lanes));
  for (auto _ : state) {
    table().global_avg_pool(src.data(), dst.data(), state.range(1), 0, blocks);
    benchmark::DoNotOptimize(dst.data());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(src.size() * sizeof(float)));
}
BENCHMARK(global_avg_pool)->Args({72, 784})->Args({672, 196})->Args({960, 49});

/// Arguments: outputs, inputs. Bytes: the weights read once.
void mat_vec(benchmark::State& state) {
  const int64_t outputs = state.range(0);
  const int64_t inputs = state.range(1);
  const int64_t blocks = block_count(outputs, table().lanes);
  const std::vector<float> weights(static_cast<size_t>(blocks * inputs * table().lanes), 0.01F);
  const std::vector<float> bias(static_cast<size_t>(blocks * table().lanes), 0.0F);
  const std::vector<float> x(static_cast<size_t>(inputs), 1.0F);
  std::vector<float> y(static_cast<size_t>(blocks * table().lanes));
  const engine::kernels::MatVec op{weights.data(), bias.data(), inputs, outputs, {}};
  for (auto _ : state) {
    table().mat_vec(op, x.data(), inputs, y.data(), blocks * table().lanes, 1, 0, blocks);
    benchmark::DoNotOptimize(y.data());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(weights.size() * sizeof(float)));
}
BENCHMARK(mat_vec)->Args({240, 960})->Args({960, 240})->Args({1280, 960})->Args({1000, 1280});

/// Arguments: channels, positions. Bytes: the map read and written once.
void scale(benchmark::State& state) {
  const int64_t blocks = block_count(state.range(0), table().lanes);
  std::vector<float> values(static_cast<size_t>(blocks * state.range(1) * table().lanes), 1.0F);
  const std::vector<float> gate(static_cast<size_t>(blocks * table().lanes), 1.0F);
  for (auto _ : state) {
    table().scale(values.data(), gate.data(), values.data(), state.range(1), 0, blocks);
    benchmark::DoNotOptimize(values.data());
  }
  state.SetBytesProcessed(2 * state.iterations() * static_cast<int64_t>(values.size() * sizeof(float)));
}
BENCHMARK(scale)->Args({72, 784})->Args({672, 196})->Args({960, 49});

}  // namespace
}  // namespace zoo::benchmarks
