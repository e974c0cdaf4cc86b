// A queue that gives numbered items back in order, whoever was faster in making them.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

namespace zoo::pipeline {

/// Any number of producers, one consumer. Every number from 0 on is pushed once.
template <typename T>
class OrderedQueue {
 public:
  /// Producers may be fewer than `capacity` (at least 1) numbers ahead of the consumer.
  explicit OrderedQueue(size_t capacity) : capacity_(capacity == 0 ? 1 : static_cast<int64_t>(capacity)) {}

  /// Waits for the turn of `number` to come near. False (and the item is lost) once the queue is closed.
  bool push(int64_t number, T item) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return closed_ || number < next_ + capacity_; });
    if (closed_) return false;
    items_.emplace(number, std::move(item));
    if (number == next_) filled_.notify_one();
    return true;
  }

  /// Waits for the item with the next number. Nothing once the queue is closed and that item is not there.
  std::optional<T> pop() {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [&] { return closed_ || has_next(); });
    if (!has_next()) return std::nullopt;
    std::optional<T> item = std::move(items_.begin()->second);
    items_.erase(items_.begin());
    ++next_;
    room_.notify_all();
    return item;
  }

  /// No more items: producers fail from now on, the consumer gets what is left. May be called often.
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    filled_.notify_all();
    room_.notify_all();
  }

  /// close(), and what is left is thrown away.
  void cancel() {
    std::map<int64_t, T> discarded;
    const std::lock_guard lock(mutex_);
    closed_ = true;
    items_.swap(discarded);
    filled_.notify_all();
    room_.notify_all();
  }

 private:
  bool has_next() const { return !items_.empty() && items_.begin()->first == next_; }

  const int64_t capacity_;
  std::mutex mutex_;
  std::condition_variable filled_;
  std::condition_variable room_;
  std::map<int64_t, T> items_;
  int64_t next_ = 0;
  bool closed_ = false;
};

}  // namespace zoo::pipeline
