// Places values with known lifetimes in one block of memory, so that values that never live together share space.
#pragma once

#include <cstddef>
#include <vector>

namespace zoo::engine {

/// A value that must keep its bytes from step `first` (written) to step `last` (last read), both included.
struct Lifetime {
  size_t bytes = 0;
  size_t first = 0;
  size_t last = 0;
};

struct MemoryPlan {
  std::vector<size_t> offsets;  ///< one per value, multiples of the alignment
  size_t total_bytes = 0;
};

/// Greedy by size: the largest value first, each at the lowest offset that is free during its life.
MemoryPlan plan_memory(const std::vector<Lifetime>& lifetimes, size_t alignment);

}  // namespace zoo::engine
