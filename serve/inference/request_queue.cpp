#include "serve/inference/request_queue.h"

#include <utility>

namespace zoo::serve {

RequestQueue::Put RequestQueue::put(QueuedTask& task) {
  std::vector<QueuedTask> overdue;
  Put put = Put::kTaken;
  {
    const std::scoped_lock lock(mutex_);
    if (closed_) return Put::kClosed;
    Lane& lane = lanes_[task.lane];
    if (!has_room(lane, task.bytes)) overdue = remove_overdue(lane);
    if (has_room(lane, task.bytes)) {
      const size_t bytes = task.bytes;
      lane.tasks.push_back(std::move(task));  // first: it may find no memory
      lane.bytes += bytes;
      ++count_;
    } else {
      put = Put::kFull;
    }
  }
  if (put == Put::kTaken) filled_.notify_one();
  for (const QueuedTask& late : overdue) late.expire();
  return put;
}

std::optional<QueuedTask> RequestQueue::take() {
  while (true) {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [this] { return closed_ || count_ > 0; });
    if (count_ == 0) return std::nullopt;
    QueuedTask task = pop();
    if (clock_.now() <= task.deadline) return task;
    lock.unlock();
    task.expire();
  }
}

void RequestQueue::close() {
  const std::scoped_lock lock(mutex_);
  closed_ = true;
  filled_.notify_all();
}

std::vector<QueuedTask> RequestQueue::remove_all() {
  const std::scoped_lock lock(mutex_);
  std::vector<QueuedTask> removed;
  while (count_ > 0) removed.push_back(pop());
  return removed;
}

size_t RequestQueue::waiting() const {
  const std::scoped_lock lock(mutex_);
  return count_;
}

size_t RequestQueue::waiting(const std::string& lane) const {
  const std::scoped_lock lock(mutex_);
  const auto found = lanes_.find(lane);
  return found == lanes_.end() ? 0 : found->second.tasks.size();
}

bool RequestQueue::has_room(const Lane& lane, size_t bytes) const {
  if (lane.tasks.empty()) return limits_.requests > 0;
  return lane.tasks.size() < limits_.requests && bytes <= limits_.bytes && lane.bytes <= limits_.bytes - bytes;
}

std::vector<QueuedTask> RequestQueue::remove_overdue(Lane& lane) {
  const Clock::TimePoint now = clock_.now();
  std::vector<QueuedTask> overdue;
  std::deque<QueuedTask> kept;
  for (QueuedTask& task : lane.tasks) {
    if (now <= task.deadline) {
      kept.push_back(std::move(task));
      continue;
    }
    --count_;
    lane.bytes -= task.bytes;
    overdue.push_back(std::move(task));
  }
  lane.tasks = std::move(kept);
  return overdue;
}

QueuedTask RequestQueue::pop() {
  auto next = lanes_.end();
  for (auto lane = lanes_.begin(); lane != lanes_.end(); ++lane) {
    if (lane->second.tasks.empty()) continue;
    if (next == lanes_.end() || lane->second.served < next->second.served) next = lane;
  }
  next->second.served = ++turn_;
  QueuedTask task = std::move(next->second.tasks.front());
  next->second.tasks.pop_front();
  --count_;
  next->second.bytes -= task.bytes;
  return task;
}

}  // namespace zoo::serve
