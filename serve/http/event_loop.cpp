#include "serve/http/event_loop.h"

#include <array>
#include <cerrno>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"

namespace zoo::serve {
namespace {

constexpr int kEventsAtATime = 64;

[[noreturn]] void fail(int code) {
  throw IoError(fmt::format("the HTTP server cannot be started: {}; close other programs or raise `ulimit -n`",
                            std::generic_category().message(code)));
}

void set(int epoll, int operation, int fd, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  if (epoll_ctl(epoll, operation, fd, &event) != 0) fail(errno);
}

}  // namespace

EventLoop::EventLoop() {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) fail(errno);
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_ < 0) {
    const int code = errno;
    ::close(epoll_);
    fail(code);
  }
  set(epoll_, EPOLL_CTL_ADD, wake_, EPOLLIN);
}

EventLoop::~EventLoop() {
  ::close(wake_);
  ::close(epoll_);
}

void EventLoop::post(std::function<void()> task) {
  const std::scoped_lock lock(mutex_);
  if (closed_) return;
  tasks_.push_back(std::move(task));
  const uint64_t one = 1;
  // The counter is far from full, and one that is not empty wakes the loop already.
  if (tasks_.size() == 1 && write(wake_, &one, sizeof one) < 0) return;
}

void EventLoop::close() {
  std::vector<std::function<void()>> left;  // outlives the lock: what they hold may post again
  const std::scoped_lock lock(mutex_);
  closed_ = true;
  left.swap(tasks_);
}

void EventLoop::watch(int fd, uint32_t events, std::function<void(uint32_t)> ready) {
  set(epoll_, EPOLL_CTL_ADD, fd, events);
  watched_[fd] = std::make_shared<std::function<void(uint32_t)>>(std::move(ready));
}

void EventLoop::change(int fd, uint32_t events) { set(epoll_, EPOLL_CTL_MOD, fd, events); }

void EventLoop::forget(int fd) {
  if (watched_.erase(fd) != 0) epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
}

void EventLoop::turn(std::chrono::milliseconds wait) {
  std::array<epoll_event, kEventsAtATime> events{};
  const int count = epoll_wait(epoll_, events.data(), kEventsAtATime, static_cast<int>(wait.count()));
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events.at(static_cast<size_t>(i));
    if (event.data.fd == wake_) {
      uint64_t ignored = 0;
      while (read(wake_, &ignored, sizeof ignored) > 0) {
      }
      continue;
    }
    const auto found = watched_.find(event.data.fd);  // an earlier one may have made it forgotten
    if (found == watched_.end()) continue;
    const std::shared_ptr<std::function<void(uint32_t)>> ready = found->second;
    (*ready)(event.events);
  }
  run_tasks();
}

void EventLoop::run_tasks() {
  std::vector<std::function<void()>> tasks;
  {
    const std::scoped_lock lock(mutex_);
    tasks.swap(tasks_);
  }
  for (const auto& task : tasks) task();
}

}  // namespace zoo::serve
