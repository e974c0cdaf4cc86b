// What kernels on AMX tiles gain by room between products, and by fetching weights from pages side by side. Each by
// turns with the plain way, in one benchmark: what another program on the core costs changes from one moment to the
// next.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <vector>

#include <benchmark/benchmark.h>

#include "nn/engine/aligned_buffer.h"
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

/// 512 KB of weights of 20 MB, as in a network that the L2 cannot hold. The counters are medians in microseconds, and
/// how many times as fast the pages side by side are.
void weights(benchmark::State& state) {
  if (!kernels::amx_bf16_available()) {
    state.SkipWithError("this processor has no AMX");
    return;
  }
  constexpr int64_t kLayerBytes = 512 * 1024;
  constexpr int64_t kLayers = 40;
  const engine::AlignedBuffer all(static_cast<size_t>((kLayers + 1) * kLayerBytes));  // one more for what lies behind
  std::fill_n(all.data(), all.size(), std::byte{0});
  alignas(64) static const std::array<std::byte, kernels::kStreamedPositionBytes> positions = {};
  std::vector<double> line_by_line;
  std::vector<double> side_by_side;
  std::vector<double> gains;
  int64_t layer = 0;
  const auto time = [&](bool is_side_by_side) {
    const std::byte* src = all.data() + layer * kLayerBytes;
    layer = (layer + 1) % kLayers;
    const auto start = std::chrono::steady_clock::now();
    benchmark::DoNotOptimize(
        kernels::multiply_add_streamed_bf16_tiles(positions.data(), src, kLayerBytes, is_side_by_side));
    return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
  };
  for (auto _ : state) {
    // The first of each has weights that the other way fetched.
    time(false);
    line_by_line.push_back(time(false));
    time(true);
    side_by_side.push_back(time(true));
    gains.push_back(line_by_line.back() / side_by_side.back());
  }
  if (gains.empty()) return;
  state.counters["line_by_line_us"] = median(line_by_line);
  state.counters["side_by_side_us"] = median(side_by_side);
  state.counters["gain"] = median(gains);
}
BENCHMARK(weights)->Name("tiles_with_weights_from_afar");

}  // namespace
}  // namespace zoo::benchmarks
