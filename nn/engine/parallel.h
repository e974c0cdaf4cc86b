// Work shared between the threads of one inference. oneDNN's OpenMP runtime is the only pool of the engine, so that own
// kernels and primitives use the same threads.
#pragma once

#include <cstdint>
#include <omp.h>

namespace zoo::engine {

/// Sets the OpenMP threads of the calling thread while alive.
class ThreadCount {
 public:
  explicit ThreadCount(int threads) : previous_(omp_get_max_threads()) {
    if (threads != previous_) omp_set_num_threads(threads);
    changed_ = threads != previous_;
  }
  ~ThreadCount() {
    if (changed_) omp_set_num_threads(previous_);
  }
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;

 private:
  int previous_;
  bool changed_ = false;
};

/// Calls f(begin, end) over parts of [0, items); in the calling thread alone when `threads` is 1.
template <typename F>
void parallel_for(int threads, int64_t items, F f) {
  if (threads <= 1 || items <= 1) {
    f(int64_t{0}, items);
    return;
  }
#pragma omp parallel num_threads(threads)
  {
    const int64_t team = omp_get_num_threads();
    const int64_t me = omp_get_thread_num();
    f(items * me / team, items * (me + 1) / team);
  }
}

}  // namespace zoo::engine
