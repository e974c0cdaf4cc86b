// Requests that wait for a worker.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "nn/core/clock.h"

namespace zoo::serve {

/// Of each lane, so that none takes the room of another.
struct QueueLimits {
  size_t requests = 256;
  size_t bytes = size_t{256} << 20;  ///< of all that wait; a single one may have more while nothing else waits
};

/// One request. Exactly one of its functions is called, once, by who takes it or puts another.
struct QueuedTask {
  std::string lane;  ///< the model: lanes take turns
  size_t bytes = 0;
  Clock::TimePoint arrived;
  Clock::TimePoint deadline;  ///< to be begun until then
  std::function<void()> run;
  std::function<void()> expire;
};

/// Bounded by number and bytes. First in, first out within a lane; of the lanes the one that was served longest ago is
/// next. Thread-safe.
class RequestQueue {
 public:
  enum class Put { kTaken, kFull, kClosed };

  RequestQueue(const QueueLimits& limits, Clock& clock) : limits_(limits), clock_(clock) {}

  /// Never waits. Where its lane is full, those whose time is over make room. Takes `task` only if it says so.
  Put put(QueuedTask& task);
  /// Waits for the next one whose time is not over; those whose time is are expired on the way. Nothing once the queue
  /// is closed and empty.
  std::optional<QueuedTask> take();
  /// Takes no more.
  void close();
  /// What waits, taken out.
  std::vector<QueuedTask> remove_all();
  size_t waiting() const;
  size_t waiting(const std::string& lane) const;

 private:
  struct Lane {
    std::deque<QueuedTask> tasks;
    size_t bytes = 0;
    int64_t served = 0;  ///< the number of the turn when it last was
  };

  bool has_room(const Lane& lane, size_t bytes) const;
  std::vector<QueuedTask> remove_overdue(Lane& lane);
  QueuedTask pop();

  const QueueLimits limits_;
  Clock& clock_;
  mutable std::mutex mutex_;  ///< guards everything below
  std::condition_variable filled_;
  std::map<std::string, Lane> lanes_;
  size_t count_ = 0;
  int64_t turn_ = 0;
  bool closed_ = false;
};

}  // namespace zoo::serve
