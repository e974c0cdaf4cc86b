// Whether a worker reads on: where entry after entry fails for what may pass (the server of the pictures is away, a
// disk is), it would only have all of them delivered in vain. Internal to streams/queue.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <string>

#include "nn/core/backoff.h"
#include "nn/core/clock.h"

namespace zoo::streams {

/// Thread-safe.
class SourceBreaker {
 public:
  /// Failures in a row, of all threads, after which one thread at a time may try.
  static constexpr int kInARow = 5;

  /// `say`: what the user should know, once per outage; not called by two threads at a time.
  SourceBreaker(Clock& clock, std::function<void(const std::string&)> say);

  /// Whether the thread may take entries. During an outage that is so for one at a time, ever more rarely (half a
  /// second, doubling to ten).
  bool may_take();
  /// Whether there is an outage; who may take entries then takes one.
  bool is_open() const;
  /// An entry failed for what may pass.
  void note_failure(const std::string& why);
  /// A picture was had and answered.
  void note_success();

 private:
  Clock& clock_;
  const std::function<void(const std::string&)> say_;
  mutable std::mutex mutex_;
  Backoff backoff_;
  int failures_ = 0;  ///< in a row
  Clock::TimePoint opened_at_;
  Clock::TimePoint next_try_;
};

}  // namespace zoo::streams
