#include "benchmarks/core_probe.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "nn/engine/kernels/bf16/bf16.h"
#include "nn/engine/kernels/peak/peak.h"
#include "nn/engine/machine/capabilities.h"

namespace zoo::benchmarks {
namespace {

namespace kernels = engine::kernels;

template <typename Work>
double seconds_of(Work work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Each multiplication waits for the one before: three cycles or so.
void multiply_in_chain(int64_t rounds) {
  constexpr uint64_t kFactor = 0x9E3779B97F4A7C15;  // no sum of shifts, which would take a cycle
  uint64_t value = 1;
  for (int64_t i = 0; i < rounds; ++i) {
    value *= kFactor;
    asm volatile("" : "+r"(value));
  }
}

// About 10 microseconds each at 2 to 3 GHz.
constexpr int64_t kChainRounds = 8'000;
constexpr int64_t kVectorRounds = 4'000;
constexpr int64_t kTileRounds = 350;
// The least time of the chain counts and the middle one of a unit: an interrupt makes single times long.
constexpr size_t kRepetitions = 5;

/// The clock goes down when wide units are used and up again some 0.7 ms after their last use: the chain would meet one
/// clock or the other, depending on what ran before.
constexpr std::chrono::microseconds kWarmUp{1000};

}  // namespace

std::map<std::string, double> probe_core() {
  const kernels::PeakKernels& peak = kernels::peak_kernels(engine::machine_capabilities().isa);
  alignas(64) static std::array<std::byte, kernels::kLoadedTileBytes> values = {};
  std::array<double, kRepetitions> chain{};
  std::map<std::string, std::array<double, kRepetitions>> units;
  const auto measure_tiles = [&] { kernels::multiply_add_loaded_bf16_tiles(values.data(), kTileRounds); };
  const bool has_tiles = engine::machine_capabilities().amx_bf16;
  for (const auto start = std::chrono::steady_clock::now(); std::chrono::steady_clock::now() - start < kWarmUp;) {
    peak.multiply_add(kVectorRounds);
    if (has_tiles) measure_tiles();
  }
  for (size_t i = 0; i < kRepetitions; ++i) {
    chain[i] = seconds_of([] { multiply_in_chain(kChainRounds); });
    units["vectors"][i] = seconds_of([&] { peak.multiply_add(kVectorRounds); });
    if (has_tiles) units["tiles"][i] = seconds_of(measure_tiles);
  }
  std::map<std::string, double> result;
  for (auto& [unit, seconds] : units) {
    std::ranges::sort(seconds);
    result[unit] = seconds[kRepetitions / 2] / std::ranges::min(chain);
  }
  return result;
}

}  // namespace zoo::benchmarks
