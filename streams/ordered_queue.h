// A queue that gives numbered items back in order, whoever was faster in making them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "streams/closable_queue.h"

namespace zoo::streams {

/// Any number of producers, one consumer. Every number from 0 on is pushed once.
template <typename T>
class OrderedQueue : public ClosableQueue<std::map<int64_t, T>> {
 public:
  /// Producers may be fewer than `capacity` (at least 1) numbers ahead of the consumer.
  explicit OrderedQueue(size_t capacity) : capacity_(capacity == 0 ? 1 : static_cast<int64_t>(capacity)) {}

  /// Waits for the turn of `number` to come near. False (and the item is lost) once the queue is closed.
  bool push(int64_t number, T item) {
    Lock lock(mutex_);
    if (!this->wait_for_room(lock, [&] { return number < next_ + capacity_; })) return false;
    items_.emplace(number, std::move(item));
    if (number == next_) filled_.notify_one();
    return true;
  }

  /// Waits for the item with the next number. Nothing once the queue is closed and that item is not there.
  std::optional<T> pop() {
    Lock lock(mutex_);
    if (!this->wait_for_item(lock, [&] { return has_next(); })) return std::nullopt;
    std::optional<T> item = std::move(items_.begin()->second);
    items_.erase(items_.begin());
    ++next_;
    room_.notify_all();
    return item;
  }

 private:
  using Base = ClosableQueue<std::map<int64_t, T>>;
  using Base::filled_;
  using Base::items_;
  using Base::mutex_;
  using Base::room_;
  using typename Base::Lock;

  bool has_next() const { return !items_.empty() && items_.begin()->first == next_; }

  const int64_t capacity_;
  int64_t next_ = 0;
};

}  // namespace zoo::streams
