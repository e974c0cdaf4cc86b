// Work shared between the threads of one inference. Internal to nn/engine.
#pragma once

#include <algorithm>
#include <cstdint>

#include "nn/engine/machine/thread_pool.h"

namespace zoo::engine {

/// While alive, parallel_for on this thread shares its work with `pool` (none: with nobody), and oneDNN's primitives
/// run on this thread alone: they would bring OpenMP's threads, which stall on a busy machine and would fight the
/// pool's for the same cores. So every operation has one pool at most, and a thread that runs a network with one thread
/// never starts another.
class PoolScope {
 public:
  explicit PoolScope(ThreadPool* pool);
  ~PoolScope();
  PoolScope(const PoolScope&) = delete;
  PoolScope& operator=(const PoolScope&) = delete;

 private:
  ThreadPool* previous_pool_;
  int previous_openmp_threads_;
};

/// The pool of the calling thread's PoolScope.
ThreadPool* current_pool();

/// Calls f(begin, end) over parts of [0, items), on up to `threads` threads at a time; in the calling thread alone,
/// with all of them, when `threads` is 1.
template <typename F>
void parallel_for(int threads, int64_t items, F f) {
  ThreadPool* const pool = current_pool();
  if (threads <= 1 || items <= 1 || pool == nullptr) {
    f(int64_t{0}, items);
    return;
  }
  // More parts than threads: one that comes late finds less left to do.
  constexpr int64_t kPartsPerThread = 2;
  const int64_t parts = std::min(items, threads * kPartsPerThread);
  pool->share(parts, [&](int64_t part, int) { f(items * part / parts, items * (part + 1) / parts); });
}

}  // namespace zoo::engine
