// The threads of one inference, or of one batch.
#pragma once

#include <cstdint>
#include <memory>

namespace zoo::engine {

/// Of one inference or batch.
inline constexpr int kMaxThreads = 1024;

/// Shares out the parts of one piece of work at a time. A part goes to whichever thread asks first, the caller among
/// them, so that a thread that the system does not let run holds nothing up: the others do its parts. Threads that find
/// nothing to do look for more for a few microseconds, then sleep. One caller at a time.
class ThreadPool {
 public:
  /// `threads` (1 to kMaxThreads), the calling one included: a pool of one starts none. Throws EngineError for another
  /// number, and when the system has no more threads.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const;

  /// Calls `work(part, thread)` for every part of [0, parts), and returns when all are done. `thread` is 0 on the
  /// calling thread and 1 ... threads() - 1 on the others. Allocates nothing. All parts are run even if one throws; of
  /// several exceptions one is rethrown. `parts` must be below 2^31.
  template <typename Work>
  void share(int64_t parts, const Work& work) {
    run(
        parts,
        [](const void* context, int64_t part, int thread) { (*static_cast<const Work*>(context))(part, thread); },
        &work);
  }

 private:
  using Call = void (*)(const void* context, int64_t part, int thread);

  void run(int64_t parts, Call call, const void* context);

  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace zoo::engine
