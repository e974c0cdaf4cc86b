#include "nn/engine/plan/memory_plan.h"

#include <algorithm>
#include <numeric>

namespace zoo::engine {
namespace {

size_t round_up(size_t bytes, size_t alignment) { return (bytes + alignment - 1) / alignment * alignment; }

bool overlap(const Lifetime& a, const Lifetime& b) { return a.first <= b.last && b.first <= a.last; }

}  // namespace

MemoryPlan plan_memory(const std::vector<Lifetime>& lifetimes, size_t alignment) {
  std::vector<size_t> order(lifetimes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return lifetimes[a].bytes > lifetimes[b].bytes; });

  MemoryPlan plan;
  plan.offsets.resize(lifetimes.size());
  std::vector<size_t> placed;
  for (size_t value : order) {
    const size_t bytes = round_up(lifetimes[value].bytes, alignment);
    std::vector<size_t> busy;  // placed values alive at the same time, by offset
    std::copy_if(placed.begin(), placed.end(), std::back_inserter(busy),
                 [&](size_t other) { return overlap(lifetimes[value], lifetimes[other]); });
    std::sort(busy.begin(), busy.end(), [&](size_t a, size_t b) { return plan.offsets[a] < plan.offsets[b]; });
    size_t offset = 0;
    for (size_t other : busy) {
      if (offset + bytes <= plan.offsets[other]) break;
      offset = std::max(offset, plan.offsets[other] + round_up(lifetimes[other].bytes, alignment));
    }
    plan.offsets[value] = offset;
    plan.total_bytes = std::max(plan.total_bytes, offset + bytes);
    placed.push_back(value);
  }
  return plan;
}

}  // namespace zoo::engine
