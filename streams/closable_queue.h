// What queues between threads share: a lock, two kinds of waiting, and an end.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace zoo::streams {

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

  /// How many threads wait for room, and how many for an item, just now: shows where a pipeline is held up.
  size_t waiting_for_room() const {
    const Lock lock(mutex_);
    return waiting_for_room_;
  }
  size_t waiting_for_item() const {
    const Lock lock(mutex_);
    return waiting_for_item_;
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
    ++waiting_for_room_;
    room_.wait(lock, [&] { return closed_ || has_room(); });
    --waiting_for_room_;
    return !closed_;
  }

  /// False once the queue is closed and the item is not there.
  template <typename HasItem>
  bool wait_for_item(Lock& lock, HasItem has_item) {
    ++waiting_for_item_;
    filled_.wait(lock, [&] { return closed_ || has_item(); });
    --waiting_for_item_;
    return has_item();
  }

  mutable std::mutex mutex_;
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

  size_t waiting_for_room_ = 0;
  size_t waiting_for_item_ = 0;
};

}  // namespace zoo::streams
