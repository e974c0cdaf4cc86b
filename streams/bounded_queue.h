// A queue between threads that never holds more than a fixed number of items.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace zoo::streams {

/// First in, first out; thread-safe for any number of producers and consumers.
template <typename T>
class BoundedQueue {
 public:
  /// `capacity` of at least 1.
  explicit BoundedQueue(size_t capacity) : capacity_(capacity == 0 ? 1 : capacity) {}

  /// Waits for room. False (and the item is lost) once the queue is closed.
  bool push(T item) {
    Lock lock(mutex_);
    ++waiting_for_room_;
    room_.wait(lock, [&] { return closed_ || items_.size() < capacity_; });
    --waiting_for_room_;
    if (closed_) return false;
    put(std::move(item));
    return true;
  }

  /// Never waits: false, and the item is lost, where there is no room or the queue is closed.
  bool try_push(T item) {
    const Lock lock(mutex_);
    if (closed_ || items_.size() >= capacity_) return false;
    put(std::move(item));
    return true;
  }

  /// Waits for an item. Nothing once the queue is closed and empty.
  std::optional<T> pop() {
    Lock lock(mutex_);
    ++waiting_for_item_;
    filled_.wait(lock, [&] { return closed_ || !items_.empty(); });
    --waiting_for_item_;
    if (items_.empty()) return std::nullopt;
    return take();
  }

  /// pop() that gives up after a while: `ended` tells the end of the queue from a timeout.
  std::optional<T> pop_for(std::chrono::milliseconds timeout, bool& ended) {
    Lock lock(mutex_);
    filled_.wait_for(lock, timeout, [&] { return closed_ || !items_.empty(); });
    ended = closed_ && items_.empty();
    if (items_.empty()) return std::nullopt;
    return take();
  }

  /// No more items: producers fail from now on, consumers get what is left. May be called often.
  void close() {
    const Lock lock(mutex_);
    end();
  }

  /// close(), and what is left is thrown away.
  void cancel() {
    std::deque<T> discarded;  // outlives the lock: destroying items may take long
    const Lock lock(mutex_);
    items_.swap(discarded);
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

 private:
  using Lock = std::unique_lock<std::mutex>;

  void put(T item) {
    items_.push_back(std::move(item));
    filled_.notify_one();
  }

  std::optional<T> take() {
    std::optional<T> item = std::move(items_.front());
    items_.pop_front();
    room_.notify_one();
    return item;
  }

  void end() {
    closed_ = true;
    filled_.notify_all();
    room_.notify_all();
  }

  const size_t capacity_;
  mutable std::mutex mutex_;
  std::condition_variable filled_;
  std::condition_variable room_;
  std::deque<T> items_;
  bool closed_ = false;
  size_t waiting_for_room_ = 0;
  size_t waiting_for_item_ = 0;
};

}  // namespace zoo::streams
