// How a thread that waits for a broker is called away.
#pragma once

#include <atomic>
#include <chrono>
#include <limits>

#include "nn/core/descriptor.h"

namespace zoo::brokers {

/// One waits, polling descriptor() beside what it waits for; others wake it. Thread-safe.
class Wakeup {
 public:
  using Clock = std::chrono::steady_clock;

  /// Throws IoError where the system has no more descriptors.
  Wakeup();
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;

  /// Readable from wake() on until clear().
  int descriptor() const { return descriptor_.get(); }
  void wake() const;
  void clear() const;

  /// From this moment on nothing is waited for any more, however patient it would be. Wakes.
  void end_waiting_at(Clock::time_point deadline);
  /// The far future unless end_waiting_at() was called.
  Clock::time_point deadline() const { return Clock::time_point(Clock::duration(deadline_.load())); }

 private:
  Descriptor descriptor_;
  std::atomic<Clock::duration::rep> deadline_ = std::numeric_limits<Clock::duration::rep>::max();
};

}  // namespace zoo::brokers
