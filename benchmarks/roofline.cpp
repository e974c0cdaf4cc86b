#include "benchmarks/roofline.h"

#include <algorithm>
#include <unistd.h>

namespace zoo::benchmarks {

const engine::Roofline& roofline() {
  static const engine::Roofline measured = engine::measure_roofline(
      static_cast<size_t>(std::max({sysconf(_SC_LEVEL3_CACHE_SIZE), sysconf(_SC_LEVEL2_CACHE_SIZE), 1L})));
  return measured;
}

void count_work(benchmark::State& state, const Work& work) {
  using benchmark::Counter;
  constexpr auto kPerSecond = Counter::kIsIterationInvariantRate;
  engine::StepInfo step;
  step.macs = work.macs;
  step.weight_bytes = work.weight_bytes;
  step.activation_bytes = work.activation_bytes;
  const size_t bytes = work.weight_bytes + work.activation_bytes;
  const engine::StepLimit limit = roofline().limit_of(step, bytes, 1);
  if (work.macs > 0) state.counters["GFLOP/s"] = Counter(2e-9 * static_cast<double>(work.macs), kPerSecond);
  state.counters["GB/s"] = Counter(1e-9 * static_cast<double>(bytes), kPerSecond);
  state.counters["of_limit"] = Counter(1e-3 * limit.ms, kPerSecond);
}

}  // namespace zoo::benchmarks
