// Products of AMX tiles with one tile loaded for each, back to back and with room between them. The two by turns, in
// one benchmark: what another program on the core costs changes from one moment to the next.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <vector>

#include <benchmark/benchmark.h>

#include "nn/engine/kernels/bf16.h"
#include "nn/engine/kernels/peak.h"

namespace zoo::benchmarks {
namespace {

namespace kernels = engine::kernels;

constexpr int64_t kRounds = 100;
constexpr int64_t kProductsPerRound = 4;

/// Nanoseconds per product.
template <typename Multiply>
double time_of(Multiply multiply, const std::byte* src) {
  const auto start = std::chrono::steady_clock::now();
  benchmark::DoNotOptimize(multiply(src, kRounds));
  const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
  return taken.count() / (kRounds * kProductsPerRound);
}

double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

/// The counters are medians: nanoseconds per product, and how many times as fast the spaced ones are.
void tiles(benchmark::State& state) {
  if (!kernels::amx_bf16_available()) {
    state.SkipWithError("this processor has no AMX");
    return;
  }
  alignas(64) static const std::array<std::byte, kernels::kLoadedTileBytes> src = {};
  std::vector<double> back_to_back;
  std::vector<double> spaced;
  std::vector<double> gains;
  for (auto _ : state) {
    back_to_back.push_back(time_of(kernels::multiply_add_loaded_bf16_tiles, src.data()));
    spaced.push_back(time_of(kernels::multiply_add_spaced_bf16_tiles, src.data()));
    gains.push_back(back_to_back.back() / spaced.back());
  }
  if (gains.empty()) return;
  state.counters["back_to_back_ns"] = median(back_to_back);
  state.counters["spaced_ns"] = median(spaced);
  state.counters["gain"] = median(gains);
}
BENCHMARK(tiles);

}  // namespace
}  // namespace zoo::benchmarks
