// Fetching of weights into the second-level cache ahead of their use. Included by files compiled for different
// instruction sets; everything has internal linkage.
//
// The order decides how fast they come. A line that is asked for occupies one of the few buffers of the first-level
// cache until the L3 has delivered it; what the processor fetches on its own, because it sees lines of a page asked for
// in ascending order, does not. So some pages are asked for side by side, and of them every second line only: its
// neighbour comes with it. On Sapphire Rapids products of tiles are 1.1 times as fast so as line by line, 1.2 times
// where another program uses the core (`zoo_benchmarks --benchmark_filter=tiles_with_weights`).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace zoo::engine::kernels {
namespace {

/// Fetches [begin, begin + bytes) in equal parts, one per step. The memory may lie beyond what is there: fetching never
/// fails.
class WeightFetcher {
 public:
  static constexpr int64_t kAhead = 64 * 1024;  ///< how far ahead of their use weights are fetched, in bytes
  static constexpr int64_t kPage = 4096;
  static constexpr int64_t kPages = 8;   ///< side by side
  static constexpr int64_t kPair = 128;  ///< of lines

  /// Nothing to fetch.
  WeightFetcher() = default;
  WeightFetcher(const void* begin, int64_t bytes, int64_t steps) : steps_(std::max<int64_t>(1, steps)) {
    if (bytes <= 0) return;
    const auto* first = static_cast<const std::byte*>(begin);
    next_ = first - bytes_into_page(first);
    end_ = first + bytes;
    rounds_ = (end_ - next_ + kRegion - 1) / kRegion * (kPage / kPair);
  }

  void step() {
    step([](const std::byte* line) { __builtin_prefetch(line, 0, 2); });
  }

  /// Calls fetch(line) instead.
  template <typename Fetch>
  void step(Fetch fetch) {
    for (due_ += rounds_; due_ >= steps_; due_ -= steps_) run_round(fetch);
  }

 private:
  static constexpr int64_t kRegion = kPages * kPage;

  static int64_t bytes_into_page(const std::byte* at) {
    return static_cast<int64_t>(reinterpret_cast<uintptr_t>(at) % kPage);
  }

  /// A pair of lines of every page of the region.
  template <typename Fetch>
  void run_round(Fetch fetch) {
    if (end_ - next_ > kRegion - kPage) {
#pragma GCC unroll 8
      for (int64_t page = 0; page < kRegion; page += kPage) fetch(next_ + page);
    } else {
      for (const std::byte* line = next_; line < end_; line += kPage) fetch(line);
    }
    next_ += kPair;
    if (bytes_into_page(next_) == 0) next_ += kRegion - kPage;
  }

  const std::byte* next_ = nullptr;  ///< in the region's first page
  const std::byte* end_ = nullptr;
  int64_t rounds_ = 0;  ///< in all
  int64_t steps_ = 1;
  int64_t due_ = 0;  ///< rounds, times the steps
};

}  // namespace
}  // namespace zoo::engine::kernels
