#include "nn/engine/machine/thread_pool.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/core/start_thread.h"

namespace zoo::engine {
namespace {

using Clock = std::chrono::steady_clock;

/// Longer than the single-threaded operations between two shared ones usually take, shorter than what would show as
/// load on the machine.
constexpr std::chrono::microseconds kSpinTime{100};
/// Looking at the clock takes as long as a few dozen pauses.
constexpr int kPausesPerLook = 64;

/// Repeats until `ready` or the time is over; false for the latter.
template <typename Ready>
bool spin(Ready ready) {
  if (ready()) return true;
  const auto end = Clock::now() + kSpinTime;
  do {
    for (int i = 0; i < kPausesPerLook; ++i) {
      __builtin_ia32_pause();
      if (ready()) return true;
    }
  } while (Clock::now() < end);
  return false;
}

void check_threads(int threads) {
  if (threads >= 1 && threads <= kMaxThreads) return;
  throw EngineError(fmt::format("threads: expected 1 to {}, found {}", kMaxThreads, threads));
}

}  // namespace

class ThreadPool::Impl {
 public:
  explicit Impl(int threads) : threads_(threads) {
    check_threads(threads);
    try {
      for (int i = 1; i < threads; ++i) workers_.push_back(start_thread("zoo-compute", [this, i] { serve(i); }));
    } catch (...) {
      end();
      throw;
    }
  }
  ~Impl() { end(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  int threads() const { return threads_; }

  void run(int64_t parts, Call call, const void* context) {
    if (parts <= 0) return;
    // Nobody holds a part now, so nobody reads these.
    call_ = call;
    context_ = context;
    parts_ = parts;
    unfinished_.store(parts, std::memory_order_relaxed);
    round_ += kRound;
    open_.store(round_ | static_cast<uint64_t>(parts));
    if (sleepers_.load() > 0) {
      { const std::scoped_lock lock(mutex_); }  // whoever is about to sleep does so first
      wake_.notify_all();
    }
    while (do_part(0)) {
    }
    const auto is_done = [this] { return unfinished_.load(std::memory_order_acquire) == 0; };
    // A thread that is not let run with a part in its hands: the core may be this one.
    while (!spin(is_done)) std::this_thread::yield();
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

 private:
  /// `open_` holds the number of the round above, and below how many parts nobody has taken.
  static constexpr uint64_t kRound = uint64_t{1} << 32U;
  static constexpr uint64_t kPartsMask = kRound - 1;

  /// Takes and runs one part; false if there is none.
  bool do_part(int thread) {
    uint64_t open = open_.load(std::memory_order_acquire);
    do {
      if ((open & kPartsMask) == 0) return false;
    } while (!open_.compare_exchange_weak(open, open - 1, std::memory_order_acq_rel, std::memory_order_acquire));
    try {
      call_(context_, parts_ - static_cast<int64_t>(open & kPartsMask), thread);
    } catch (...) {
      const std::scoped_lock lock(mutex_);
      error_ = std::current_exception();
    }
    unfinished_.fetch_sub(1, std::memory_order_acq_rel);
    return true;
  }

  void serve(int thread) {
    while (!ended_) {
      if (do_part(thread) || spin([this] { return has_news(); })) continue;
      std::unique_lock lock(mutex_);
      ++sleepers_;
      wake_.wait(lock, [this] { return has_news(); });
      --sleepers_;
    }
  }

  bool has_news() const { return (open_.load() & kPartsMask) != 0 || ended_; }

  void end() {
    {
      const std::scoped_lock lock(mutex_);
      ended_ = true;
    }
    wake_.notify_all();
    workers_.clear();
  }

  const int threads_;
  Call call_ = nullptr;
  const void* context_ = nullptr;
  int64_t parts_ = 0;
  uint64_t round_ = 0;
  std::exception_ptr error_;
  alignas(64) std::atomic<uint64_t> open_ = 0;
  alignas(64) std::atomic<int64_t> unfinished_ = 0;
  std::atomic<int> sleepers_ = 0;
  std::atomic<bool> ended_ = false;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::jthread> workers_;
};

ThreadPool::ThreadPool(int threads) : impl_(std::make_unique<Impl>(threads)) {}
ThreadPool::~ThreadPool() = default;
int ThreadPool::threads() const { return impl_->threads(); }
void ThreadPool::run(int64_t parts, Call call, const void* context) { impl_->run(parts, call, context); }

}  // namespace zoo::engine
