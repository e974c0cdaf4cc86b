// What queues between threads share: a lock, two kinds of waiting, and an end.
#pragma once

#include <condition_variable>
#include <mutex>

namespace zoo::pipeline {

/// Base of a queue that keeps its items in an `Items`, a standard container. What it offers is thread-safe; derived
/// classes hold a Lock wherever they touch its members.
template <typename Items>
class ClosableQueue {
 public:
  /// No more items: producers fail from now on, consumers get what is left. May be called often.
  void close() {
    const Lock lock(mutex_);
    end();
  }

  /// close(), and what is left is thrown away.
  void cancel() {
    Items discarded;  // outlives the lock: destroying items may take long
    const Lock lock(mutex_);
    items_.swap(discarded);
    end();
  }

 protected:
  using Lock = std::unique_lock<std::mutex>;

  ClosableQueue() = default;
  ~ClosableQueue() = default;

  /// False once the queue is closed.
  template <typename HasRoom>
  bool wait_for_room(Lock& lock, HasRoom has_room) {
    room_.wait(lock, [&] { return closed_ || has_room(); });
    return !closed_;
  }

  /// False once the queue is closed and the item is not there.
  template <typename HasItem>
  bool wait_for_item(Lock& lock, HasItem has_item) {
    filled_.wait(lock, [&] { return closed_ || has_item(); });
    return has_item();
  }

  std::mutex mutex_;
  std::condition_variable filled_;
  std::condition_variable room_;
  Items items_;
  bool closed_ = false;

 private:
  void end() {
    closed_ = true;
    filled_.notify_all();
    room_.notify_all();
  }
};

}  // namespace zoo::pipeline
