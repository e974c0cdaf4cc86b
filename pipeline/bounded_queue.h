// A queue between two threads that never holds more than a fixed number of items.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace zoo::pipeline {

/// First in, first out; thread-safe for any number of producers and consumers.
template <typename T>
class BoundedQueue {
 public:
  /// `capacity` of at least 1.
  explicit BoundedQueue(size_t capacity) : capacity_(capacity == 0 ? 1 : capacity) {}

  /// Waits for room. False (and the item is lost) once the queue is closed.
  bool push(T item) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return closed_ || items_.size() < capacity_; });
    if (closed_) return false;
    items_.push_back(std::move(item));
    filled_.notify_one();
    return true;
  }

  /// Never waits: a full queue gives up its oldest item, which ends up in `dropped`. False (and the item is lost) once
  /// the queue is closed.
  bool push_newest(T item, std::optional<T>& dropped) {
    const std::lock_guard lock(mutex_);
    dropped.reset();
    if (closed_) return false;
    if (items_.size() == capacity_) {
      dropped = std::move(items_.front());
      items_.pop_front();
    }
    items_.push_back(std::move(item));
    filled_.notify_one();
    return true;
  }

  /// Waits for an item. Nothing once the queue is closed and empty.
  std::optional<T> pop() {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [&] { return closed_ || !items_.empty(); });
    if (items_.empty()) return std::nullopt;
    std::optional<T> item = std::move(items_.front());
    items_.pop_front();
    room_.notify_one();
    return item;
  }

  /// pop() that gives up after a while: `ended` tells the end of the queue from a timeout.
  std::optional<T> pop_for(std::chrono::milliseconds timeout, bool& ended) {
    std::unique_lock lock(mutex_);
    filled_.wait_for(lock, timeout, [&] { return closed_ || !items_.empty(); });
    ended = closed_ && items_.empty();
    if (items_.empty()) return std::nullopt;
    std::optional<T> item = std::move(items_.front());
    items_.pop_front();
    room_.notify_one();
    return item;
  }

  /// No more items: producers fail from now on, consumers get what is left. May be called often.
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    filled_.notify_all();
    room_.notify_all();
  }

  /// close(), and what is left is thrown away.
  void cancel() {
    std::deque<T> discarded;
    const std::lock_guard lock(mutex_);
    closed_ = true;
    items_.swap(discarded);
    filled_.notify_all();
    room_.notify_all();
  }

 private:
  const size_t capacity_;
  std::mutex mutex_;
  std::condition_variable filled_;
  std::condition_variable room_;
  std::deque<T> items_;
  bool closed_ = false;
};

}  // namespace zoo::pipeline
