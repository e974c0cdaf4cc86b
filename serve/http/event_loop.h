// One thread that waits for files and for work.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace zoo::serve {

/// All but post() belongs to the thread that runs it.
class EventLoop {
 public:
  /// Throws IoError where the system has no more files.
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Runs `task` soon. Thread-safe; after close() it is destroyed instead.
  void post(std::function<void()> task);
  /// Destroys the tasks that are left.
  void close();

  /// Calls `ready` with what epoll says of `fd`; a second call changes what is waited for.
  void watch(int fd, uint32_t events, std::function<void(uint32_t)> ready);
  void change(int fd, uint32_t events);
  void forget(int fd);

  /// Waits for at most so long, then does what there is to do.
  void turn(std::chrono::milliseconds wait);

 private:
  void run_tasks();

  int epoll_ = -1;
  int wake_ = -1;
  std::map<int, std::shared_ptr<std::function<void(uint32_t)>>> watched_;
  std::mutex mutex_;
  std::vector<std::function<void()>> tasks_;  ///< guarded by mutex_
  bool closed_ = false;                       ///< guarded by mutex_
};

}  // namespace zoo::serve
