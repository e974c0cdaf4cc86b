// What kernels on AMX tiles gain by room between products, by weights fetched from pages side by side, and by positions
// that do not lie a power of two apart. Each by turns with the plain way, in one benchmark: what another program on the
// core costs changes from one moment to the next.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "nn/engine/kernels/bf16/bf16.h"
#include "nn/engine/kernels/peak/peak.h"
#include "nn/engine/machine/aligned_buffer.h"
#include "nn/engine/machine/capabilities.h"

namespace zoo::benchmarks {
namespace {

namespace kernels = engine::kernels;

template <typename Run>
double nanoseconds_of(Run run) {
  const auto start = std::chrono::steady_clock::now();
  run();
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

/// Runs the plain and the better way by turns. The counters are medians: the time of each in `unit` nanoseconds, and
/// how many times as fast the better one is.
template <typename Plain, typename Better>
void take_turns(benchmark::State& state, double unit, const std::array<std::string, 2>& names, Plain plain,
                Better better) {
  if (!engine::machine_capabilities().amx_bf16) {
    state.SkipWithError("this processor has no AMX");
    return;
  }
  std::array<std::vector<double>, 2> times;
  std::vector<double> gains;
  for (auto _ : state) {
    times[0].push_back(nanoseconds_of(plain) / unit);
    times[1].push_back(nanoseconds_of(better) / unit);
    gains.push_back(times[0].back() / times[1].back());
  }
  if (gains.empty()) return;
  for (size_t way = 0; way < 2; ++way) state.counters[names[way]] = median(times[way]);
  state.counters["gain"] = median(gains);
}

/// Per product.
void tiles(benchmark::State& state) {
  constexpr int64_t kRounds = 100;
  constexpr double kProductsPerRound = 4.0;
  alignas(64) static const std::array<std::byte, kernels::kLoadedTileBytes> src = {};
  take_turns(
      state, kRounds * kProductsPerRound, {"back_to_back_ns", "spaced_ns"},
      [] { benchmark::DoNotOptimize(kernels::multiply_add_loaded_bf16_tiles(src.data(), kRounds)); },
      [] { benchmark::DoNotOptimize(kernels::multiply_add_spaced_bf16_tiles(src.data(), kRounds)); });
}
BENCHMARK(tiles);

/// 512 KB of weights of 20 MB, as in a network that the L2 cannot hold.
void weights(benchmark::State& state) {
  constexpr int64_t kLayerBytes = 512 * 1024;
  constexpr int64_t kLayers = 40;
  const engine::AlignedBuffer all(static_cast<size_t>((kLayers + 1) * kLayerBytes));  // one more for what lies behind
  std::fill_n(all.data(), all.size(), std::byte{0});
  alignas(64) static const std::array<std::byte, kernels::kStreamedPositionBytes> positions = {};
  int64_t layer = 0;
  const auto multiply = [&](bool side_by_side) {
    const std::byte* src = all.data() + layer * kLayerBytes;
    layer = (layer + 1) % kLayers;
    benchmark::DoNotOptimize(
        kernels::multiply_add_streamed_bf16_tiles(positions.data(), src, kLayerBytes, side_by_side));
  };
  // The first layer begins with weights that the other way fetched.
  constexpr int kTurn = 4;
  const auto some_layers = [&](bool side_by_side) {
    for (int i = 0; i < kTurn; ++i) multiply(side_by_side);
  };
  take_turns(
      state, kTurn * 1e3, {"line_by_line_us", "side_by_side_us"}, [&] { some_layers(false); },
      [&] { some_layers(true); });
}
BENCHMARK(weights)->Name("tiles_with_weights_from_afar");

/// A 1x1 convolution of 1024 to 256 channels at 8 x 8.
void wide_maps(benchmark::State& state) {
  constexpr int64_t kPositions = 64;
  constexpr int64_t kInputs = 1024;
  constexpr int64_t kOutputs = 256;
  constexpr int64_t kPitch = kernels::channel_pitch(kInputs);
  constexpr int64_t kDepthBlocks = kInputs / kernels::kTileDepth;
  constexpr int64_t kNoOffset = 0;
  const std::vector<float> bias(kOutputs);
  const auto buffer = [](int64_t values) {
    engine::AlignedBuffer memory(static_cast<size_t>(values) * sizeof(kernels::Bf16));
    std::fill_n(memory.data(), memory.size(), std::byte{0});
    return memory;
  };
  const auto values_of = [](const engine::AlignedBuffer& memory) {
    return reinterpret_cast<kernels::Bf16*>(memory.data());
  };
  const engine::AlignedBuffer packed = buffer(kernels::packed_tile_weights(kOutputs, 1, kDepthBlocks));
  const engine::AlignedBuffer src = buffer(kPositions * kPitch);
  const engine::AlignedBuffer dst = buffer(kPositions * kernels::channel_pitch(kOutputs));
  const auto convolve = [&](int64_t pitch) {
    kernels::TileConv conv;
    conv.weights = values_of(packed);
    conv.bias = bias.data();
    conv.out_channels = kOutputs;
    conv.dst_row = kernels::channel_pitch(kOutputs);
    conv.depth_blocks = kDepthBlocks;
    conv.tap_offsets = &kNoOffset;
    conv.position_stride = pitch;
    conv.run_length = kPositions;
    kernels::tile_conv(conv, values_of(src), nullptr, values_of(dst), 0, kernels::tile_conv_items(conv));
  };
  take_turns(
      state, 1e3, {"power_of_two_us", "channel_pitch_us"}, [&] { convolve(kInputs); }, [&] { convolve(kPitch); });
}
BENCHMARK(wide_maps)->Name("tiles_of_wide_maps");

}  // namespace
}  // namespace zoo::benchmarks
