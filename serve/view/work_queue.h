// A thread for what would keep the server's own too long.
#pragma once

#include <functional>
#include <string>
#include <thread>

#include "streams/bounded_queue.h"

namespace zoo::serve {

/// Tasks one after the other. Thread-safe.
class WorkQueue {
 public:
  /// `name`: of the thread, see start_thread.
  explicit WorkQueue(std::string name);
  /// Finishes the task under way, throws the others away.
  ~WorkQueue();
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  /// False, and nothing is done, while too many wait.
  bool add(std::function<void()> task);

 private:
  streams::BoundedQueue<std::function<void()>> tasks_;
  std::jthread thread_;
};

}  // namespace zoo::serve
