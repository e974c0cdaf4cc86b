#include "serve/view/work_queue.h"

#include <utility>

#include "nn/core/start_thread.h"

namespace zoo::serve {
namespace {

constexpr size_t kMostWaiting = 64;

}  // namespace

WorkQueue::WorkQueue(std::string name) : tasks_(kMostWaiting) {
  thread_ = start_thread(std::move(name), [this] {
    while (const auto task = tasks_.pop()) (*task)();
  });
}

WorkQueue::~WorkQueue() {
  tasks_.cancel();
  if (thread_.joinable()) thread_.join();
}

bool WorkQueue::add(std::function<void()> task) { return tasks_.try_push(std::move(task)); }

}  // namespace zoo::serve
