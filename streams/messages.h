// What a run has to say, one message at a time.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <utility>

namespace zoo::streams {

/// Thread-safe. Outlives the run where a thread of it is left behind (left_threads.h), which then is silent.
class Messages {
 public:
  explicit Messages(std::function<void(const std::string&)> listener) : listener_(std::move(listener)) {}

  /// Nothing for an empty text.
  void say(const std::string& text) {
    if (text.empty()) return;
    const std::scoped_lock lock(mutex_);
    if (listener_) listener_(text);
  }

  /// The listener is not called any more.
  void close() {
    const std::scoped_lock lock(mutex_);
    listener_ = {};
  }

 private:
  std::mutex mutex_;
  std::function<void(const std::string&)> listener_;  ///< guarded by mutex_
};

}  // namespace zoo::streams
