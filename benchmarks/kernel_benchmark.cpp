// Own kernels on shapes of MobileNetV3-large, one thread, each against its limit.
#include <vector>

#include <benchmark/benchmark.h>

#include "benchmarks/roofline.h"
#include "nn/engine/kernels/f32/kernels.h"
#include "nn/engine/machine/capabilities.h"

namespace zoo::benchmarks {
namespace {

using engine::kernels::block_count;
using engine::kernels::KernelTable;

const KernelTable& table() { return engine::kernels::kernel_table(engine::machine_capabilities().isa); }

/// A map of one image in the blocked layout.
struct BlockedMap {
  BlockedMap(int64_t map_channels, int64_t map_area)
      : channels(map_channels),
        area(map_area),
        blocks(block_count(map_channels, table().lanes)),
        values(static_cast<size_t>(blocks * map_area * table().lanes), 1.0F) {}

  size_t bytes() const { return values.size() * sizeof(float); }

  int64_t channels;
  int64_t area;
  int64_t blocks;
  std::vector<float> values;
};

/// Arguments: channels, positions.
void global_avg_pool(benchmark::State& state) {
  const BlockedMap src(state.range(0), state.range(1));
  BlockedMap dst(src.channels, 1);
  for (auto _ : state) {
    table().global_avg_pool(src.values.data(), dst.values.data(), src.area, 0, src.blocks);
    benchmark::ClobberMemory();
  }
  count_work(state, {.activation_bytes = src.bytes() + dst.bytes()});
}
BENCHMARK(global_avg_pool)->Args({72, 784})->Args({672, 196})->Args({960, 49});

/// Arguments: outputs, inputs.
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
    benchmark::ClobberMemory();
  }
  count_work(state, {.macs = outputs * inputs,
                     .weight_bytes = (weights.size() + bias.size()) * sizeof(float),
                     .activation_bytes = (x.size() + y.size()) * sizeof(float)});
}
BENCHMARK(mat_vec)->Args({240, 960})->Args({960, 240})->Args({1280, 960})->Args({1000, 1280});

/// Arguments: channels, positions.
void scale(benchmark::State& state) {
  BlockedMap map(state.range(0), state.range(1));
  const BlockedMap gate(map.channels, 1);
  for (auto _ : state) {
    table().scale(map.values.data(), gate.values.data(), map.values.data(), map.area, 0, map.blocks);
    benchmark::ClobberMemory();
  }
  count_work(state, {.activation_bytes = 2 * map.bytes() + gate.bytes()});
}
BENCHMARK(scale)->Args({72, 784})->Args({672, 196})->Args({960, 49});

/// Arguments: channels, positions. A sum and an activation.
void map(benchmark::State& state, ActivationKind kind) {
  const BlockedMap a(state.range(0), state.range(1));
  const BlockedMap b(a.channels, a.area);
  BlockedMap dst(a.channels, a.area);
  for (auto _ : state) {
    table().map(a.values.data(), b.values.data(), dst.values.data(), {kind, 0.0F}, a.channels, a.area, 0, a.blocks);
    benchmark::ClobberMemory();
  }
  count_work(state, {.activation_bytes = a.bytes() + b.bytes() + dst.bytes()});
}
BENCHMARK_CAPTURE(map, sum, ActivationKind::kIdentity)->Args({40, 784})->Args({160, 49});
BENCHMARK_CAPTURE(map, hard_swish, ActivationKind::kHardSwish)->Args({40, 784})->Args({160, 49});
BENCHMARK_CAPTURE(map, sigmoid, ActivationKind::kSigmoid)->Args({40, 784});

/// Arguments: channels, positions.
void instance_norm(benchmark::State& state) {
  BlockedMap map(state.range(0), state.range(1));
  for (auto _ : state) {
    table().instance_norm(map.values.data(), map.values.data(), 1e-5, map.area, 0, map.blocks);
    benchmark::ClobberMemory();
  }
  count_work(state, {.activation_bytes = 2 * map.bytes()});
}
BENCHMARK(instance_norm)->Args({72, 784})->Args({960, 49});

/// Arguments: channels, positions.
void to_blocked(benchmark::State& state) {
  BlockedMap dst(state.range(0), state.range(1));
  const std::vector<float> src(static_cast<size_t>(dst.channels * dst.area), 1.0F);
  for (auto _ : state) {
    table().to_blocked(src.data(), dst.values.data(), dst.channels, dst.area, 0, dst.blocks);
    benchmark::ClobberMemory();
  }
  count_work(state, {.activation_bytes = src.size() * sizeof(float) + dst.bytes()});
}
BENCHMARK(to_blocked)->Args({24, 3136})->Args({960, 49});

void to_planar(benchmark::State& state) {
  const BlockedMap src(state.range(0), state.range(1));
  std::vector<float> dst(static_cast<size_t>(src.channels * src.area));
  for (auto _ : state) {
    table().to_planar(src.values.data(), dst.data(), src.channels, src.area, 0, src.blocks);
    benchmark::ClobberMemory();
  }
  count_work(state, {.activation_bytes = src.bytes() + dst.size() * sizeof(float)});
}
BENCHMARK(to_planar)->Args({24, 3136})->Args({960, 49});

/// Arguments: channels, height and width, kernel, stride. The fallback convolution, depthwise.
void direct_depthwise(benchmark::State& state) {
  const int64_t side = state.range(1);
  const int64_t kernel = state.range(2);
  const int64_t stride = state.range(3);
  const int64_t dst_side = (side + stride - 1) / stride;
  const BlockedMap src(state.range(0), side * side);
  BlockedMap dst(src.channels, dst_side * dst_side);
  const BlockedMap weights(src.channels, kernel * kernel);
  const BlockedMap bias(src.channels, 1);
  const engine::kernels::DirectConv op = {.weights = weights.values.data(),
                                          .bias = bias.values.data(),
                                          .groups = src.channels,
                                          .in_channels = src.channels,
                                          .out_channels = src.channels,
                                          .src_h = side,
                                          .src_w = side,
                                          .dst_h = dst_side,
                                          .dst_w = dst_side,
                                          .kernel_h = kernel,
                                          .kernel_w = kernel,
                                          .stride_h = stride,
                                          .stride_w = stride,
                                          .pad_top = kernel / 2,
                                          .pad_left = kernel / 2,
                                          .activation = {}};
  for (auto _ : state) {
    table().direct_conv(op, src.values.data(), nullptr, dst.values.data(), 0, src.blocks);
    benchmark::ClobberMemory();
  }
  count_work(state, {.macs = src.channels * dst.area * kernel * kernel,
                     .weight_bytes = weights.bytes() + bias.bytes(),
                     .activation_bytes = src.bytes() + dst.bytes()});
}
BENCHMARK(direct_depthwise)->Args({240, 28, 3, 1})->Args({672, 14, 5, 2});

}  // namespace
}  // namespace zoo::benchmarks
