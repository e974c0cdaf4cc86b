// A thread whose waiting a test can wait for.
#pragma once

#include <atomic>
#include <functional>
#include <thread>
#include <utility>

namespace zoo::test {

class ThreadAtWork {
 public:
  explicit ThreadAtWork(std::function<void()> work)
      : thread_([this, work = std::move(work)] {
          work();
          done_ = true;
        }) {}

  /// Whether the thread waits before it is done; asks `waits` until one of both is so.
  template <typename Waits>
  bool comes_to_wait(Waits waits) const {
    while (!done_) {
      if (waits()) return true;
      std::this_thread::yield();
    }
    return false;
  }

 private:
  std::atomic<bool> done_ = false;
  std::jthread thread_;  ///< last: its end is waited for while the rest is there
};

}  // namespace zoo::test
