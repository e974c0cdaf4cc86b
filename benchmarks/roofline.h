// Kernels beside the limits of the machine.
#pragma once

#include <cstddef>
#include <cstdint>

#include <benchmark/benchmark.h>

#include "nn/engine/roofline.h"

namespace zoo::benchmarks {

/// The limits of one core for networks in that precision, measured at the first call for it; levels up to the last
/// cache.
const engine::Roofline& roofline(engine::Precision precision = engine::Precision::kF32);

/// What one iteration of a kernel does at least.
struct Work {
  int64_t macs = 0;
  size_t weight_bytes = 0;      ///< packed weights read
  size_t activation_bytes = 0;  ///< values read and written
};

/// Adds the counters GFLOP/s (where there is arithmetic), GB/s, and of_limit: the shortest time that the work can take
/// (engine::Roofline, on data that the iterations keep in the smallest cache that holds it) over the time that it took.
/// To be called once, after the loop.
void count_work(benchmark::State& state, const Work& work, engine::Precision precision = engine::Precision::kF32);

}  // namespace zoo::benchmarks
