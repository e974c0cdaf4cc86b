// Own kernels of detectors, segmenters and hybrids, one thread, each against its limit.
#include <algorithm>
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

std::vector<float> blocked(int64_t channels, int64_t area) {
  return std::vector<float>(static_cast<size_t>(block_count(channels, table().lanes) * area * table().lanes), 1.0F);
}

size_t bytes_of(const std::vector<float>& values) { return values.size() * sizeof(float); }

/// Arguments: channels, height and width. Windows of 2x2, stride 2.
void pool(benchmark::State& state, bool mean) {
  const int64_t channels = state.range(0);
  const int64_t side = state.range(1);
  const std::vector<float> src = blocked(channels, side * side);
  std::vector<float> dst = blocked(channels, side / 2 * (side / 2));
  const engine::kernels::Pool op = {.src_h = side,
                                    .src_w = side,
                                    .dst_h = side / 2,
                                    .dst_w = side / 2,
                                    .kernel_h = 2,
                                    .kernel_w = 2,
                                    .stride_h = 2,
                                    .stride_w = 2};
  const auto kernel = mean ? table().avg_pool : table().max_pool;
  for (auto _ : state) {
    kernel(op, src.data(), dst.data(), 0, block_count(channels, table().lanes));
    benchmark::ClobberMemory();
  }
  count_work(state, {.activation_bytes = bytes_of(src) + bytes_of(dst)});
}
BENCHMARK_CAPTURE(pool, mean, true)->Args({64, 56})->Args({256, 14});
BENCHMARK_CAPTURE(pool, largest, false)->Args({64, 56})->Args({256, 14});

/// Arguments: channels, height and width. To twice the size, bilinear.
void resize(benchmark::State& state) {
  const int64_t channels = state.range(0);
  const int64_t side = state.range(1);
  const std::vector<float> src = blocked(channels, side * side);
  std::vector<float> dst = blocked(channels, 4 * side * side);
  std::vector<engine::kernels::AxisTap> taps;
  for (int64_t i = 0; i < 2 * side; ++i) taps.push_back({i / 2, std::min(i / 2 + 1, side - 1), 0.25F});
  const engine::kernels::Resize op = {
      .src_h = side, .src_w = side, .dst_h = 2 * side, .dst_w = 2 * side, .rows = taps.data(), .columns = taps.data()};
  for (auto _ : state) {
    table().resize(op, src.data(), dst.data(), 0, block_count(channels, table().lanes));
    benchmark::ClobberMemory();
  }
  count_work(state, {.activation_bytes = bytes_of(src) + bytes_of(dst)});
}
BENCHMARK(resize)->Args({128, 33})->Args({21, 65});

/// Arguments: heads, query positions, key positions. Heads of 64 channels, keys packed outside of the loop.
void attention(benchmark::State& state) {
  const engine::kernels::Attention op = {
      .heads = state.range(0), .key_dim = 64, .value_dim = 64, .queries = state.range(1), .keys = state.range(2)};
  const std::vector<float> query = blocked(op.heads * op.key_dim, op.queries);
  const std::vector<float> key = blocked(op.key_dim, op.keys);
  const std::vector<float> value = blocked(op.value_dim, op.keys);
  std::vector<float> dst = blocked(op.heads * op.value_dim, op.queries);
  std::vector<float> packed(static_cast<size_t>(engine::kernels::packed_keys_size(op, 1, table().lanes)));
  table().pack_keys(key.data(), packed.data(), op.key_dim, op.keys, 0, block_count(op.keys, table().lanes));
  std::vector<float> scratch(static_cast<size_t>(engine::kernels::attention_scratch(op, table().lanes)));
  for (auto _ : state) {
    table().attention(op, query.data(), packed.data(), value.data(), dst.data(), scratch.data(), 0,
                      engine::kernels::attention_items(op, 1));
    benchmark::ClobberMemory();
  }
  count_work(state, {.macs = op.heads * op.queries * op.keys * (op.key_dim + op.value_dim),
                     .activation_bytes = bytes_of(query) + bytes_of(packed) + bytes_of(value) + bytes_of(dst)});
}
BENCHMARK(attention)->Args({4, 196, 49})->Args({4, 49, 49});

}  // namespace
}  // namespace zoo::benchmarks
