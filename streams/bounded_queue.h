// A queue between two threads that never holds more than a fixed number of items.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include "streams/closable_queue.h"

namespace zoo::streams {

/// First in, first out; thread-safe for any number of producers and consumers.
template <typename T>
class BoundedQueue : public ClosableQueue<std::deque<T>> {
 public:
  /// `capacity` of at least 1.
  explicit BoundedQueue(size_t capacity) : capacity_(capacity == 0 ? 1 : capacity) {}

  /// Waits for room. False (and the item is lost) once the queue is closed.
  bool push(T item) {
    Lock lock(mutex_);
    if (!this->wait_for_room(lock, [&] { return items_.size() < capacity_; })) return false;
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

  /// Never waits: a full queue gives up its oldest item, which ends up in `dropped`. False (and the item is lost) once
  /// the queue is closed.
  bool push_newest(T item, std::optional<T>& dropped) {
    const Lock lock(mutex_);
    dropped.reset();
    if (closed_) return false;
    if (items_.size() == capacity_) {
      dropped = std::move(items_.front());
      items_.pop_front();
    }
    put(std::move(item));
    return true;
  }

  /// Waits for an item. Nothing once the queue is closed and empty.
  std::optional<T> pop() {
    Lock lock(mutex_);
    if (!this->wait_for_item(lock, [&] { return !items_.empty(); })) return std::nullopt;
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

 private:
  using Base = ClosableQueue<std::deque<T>>;
  using Base::closed_;
  using Base::filled_;
  using Base::items_;
  using Base::mutex_;
  using Base::room_;
  using typename Base::Lock;

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

  const size_t capacity_;
};

}  // namespace zoo::streams
