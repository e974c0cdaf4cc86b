#include "benchmarks/roofline.h"

#include <algorithm>
#include <map>

#include "nn/engine/machine/capabilities.h"

namespace zoo::benchmarks {

const engine::Roofline& roofline(engine::Precision precision) {
  static std::map<engine::Precision, engine::Roofline> measured;
  const auto known = measured.find(precision);
  if (known != measured.end()) return known->second;
  const engine::CacheSizes& caches = engine::machine_capabilities().caches;
  const size_t bytes = std::max(caches.l3, caches.l2);
  return measured.emplace(precision, engine::measure_roofline(bytes, {.precision = precision})).first->second;
}

void count_work(benchmark::State& state, const Work& work, engine::Precision precision) {
  using benchmark::Counter;
  constexpr auto kPerSecond = Counter::kIsIterationInvariantRate;
  engine::StepInfo step;
  step.macs = work.macs;
  step.weight_bytes = work.weight_bytes;
  step.activation_bytes = work.activation_bytes;
  const size_t bytes = work.weight_bytes + work.activation_bytes;
  const engine::StepLimit limit = roofline(precision).limit_of(step, bytes, 1);
  if (work.macs > 0) state.counters["GFLOP/s"] = Counter(2e-9 * static_cast<double>(work.macs), kPerSecond);
  state.counters["GB/s"] = Counter(1e-9 * static_cast<double>(bytes), kPerSecond);
  state.counters["of_limit"] = Counter(1e-3 * limit.ms, kPerSecond);
}

}  // namespace zoo::benchmarks
