#include "brokers/publisher.h"

#include <algorithm>
#include <utility>

#include "brokers/publisher_work.h"
#include "nn/core/start_thread.h"

namespace zoo::brokers {
namespace {

/// Of a broker that cannot be reached.
constexpr std::chrono::milliseconds kUnreachableWait{500};
/// Who waits for room asks so often whether it still may.
constexpr std::chrono::milliseconds kAskAgain{50};

}  // namespace

Publisher::Work::Work(std::unique_ptr<Link> link, const PublisherOptions& options)
    : link_(std::move(link)),
      options_(options),
      clock_(options.clock == nullptr ? system_clock() : *options.clock),
      listener_(options.on_message),
      unreachable_({.most = kUnreachableWait, .seed = options.seed}),
      refusing_({.seed = options.seed}),
      kept_(options.max_bytes) {}

void Publisher::Work::send(Message message) {
  Lock lock(mutex_);
  const size_t bytes = message.bytes();
  if (message.owed) wait_for_room(lock, bytes);
  ++state_.sent;
  if (message.owed) ++owed_;
  if (stopping_) {
    ++state_.dropped;
    if (message.owed) ++state_.lost;
    return;
  }
  while (!waiting_.empty() && !has_room(bytes)) drop_oldest();
  waiting_bytes_ += bytes;
  waiting_.push_back(std::move(message));
  if (idles_) wakeup_.wake();
}

/// With the lock held.
bool Publisher::Work::has_room(size_t bytes) const {
  return waiting_.size() + on_their_way_ < std::max<size_t>(options_.max_messages, 1) &&
         waiting_bytes_ + bytes <= options_.max_bytes;
}

/// By the machine's clock, whatever the run's is: the broker takes its time there.
void Publisher::Work::wait_for_room(Lock& lock, size_t bytes) {
  using Time = std::chrono::steady_clock;
  const auto waits = [&] {
    const bool is_empty = waiting_.empty() && on_their_way_ == 0;
    return !is_empty && !has_room(bytes) && !stopping_ && !state_.away;
  };
  for (const auto end = Time::now() + kRoomPatience; waits() && Time::now() < end;) {
    lock.unlock();
    const bool may_wait = !options_.may_wait || options_.may_wait();
    lock.lock();
    if (!may_wait) return;
    changed_.wait_for(lock, kAskAgain, [&] { return !waits(); });
  }
}

void Publisher::Work::drop_oldest() {
  if (waiting_.front().owed) ++state_.lost;
  waiting_bytes_ -= waiting_.front().bytes();
  waiting_.pop_front();
  ++state_.dropped;
}

void Publisher::Work::keep(Message message) {
  const std::scoped_lock lock(mutex_);
  if (stopping_ || guard_.refuses(message, clock_.now())) return;
  kept_.keep(std::move(message));
  if (idles_) wakeup_.wake();
}

void Publisher::Work::forget(const std::string& place) {
  const std::scoped_lock lock(mutex_);
  kept_.forget(place);
}

PublisherState Publisher::Work::state() const {
  const std::scoped_lock lock(mutex_);
  PublisherState state = state_;
  state.waiting = state.sent - state.delivered - state.dropped;
  return state;
}

bool Publisher::Work::idle() const {
  const std::scoped_lock lock(mutex_);
  return state_.away || (waiting_.empty() && on_their_way_ == 0 && kept_.all_sent());
}

bool Publisher::Work::stop(std::vector<Message> farewell) {
  auto deadline = std::chrono::steady_clock::now();
  Lock lock(mutex_);
  if (state_.connected) deadline += kDrain;
  farewell_ = std::move(farewell);
  stopping_ = true;
  wakeup_.end_waiting_at(deadline);
  changed_.notify_all();
  // By the machine's clock, whatever the run's is: what hangs does so in the machine's time.
  const bool in_time = changed_.wait_until(lock, deadline + kGrace, [this] { return ended_; });
  drop_all();
  state_.ended = true;
  deserted_ = !in_time;
  lock.unlock();
  const std::scoped_lock listening(listening_);
  listener_ = {};
  return in_time;
}

Publisher::Publisher(std::unique_ptr<Link> link, const PublisherOptions& options)
    : work_(std::make_shared<Work>(std::move(link), options)) {
  thread_ = start_thread("zoo-publish", [work = work_, running = running_]() mutable {
    work->run();
    work.reset();
    running->end();
  });
}

Publisher::~Publisher() { stop(); }

void Publisher::send(Message message) { work_->send(std::move(message)); }
void Publisher::keep(Message message) { work_->keep(std::move(message)); }
void Publisher::forget(const std::string& place) { work_->forget(place); }
PublisherState Publisher::state() const { return work_->state(); }
bool Publisher::idle() const { return work_->idle(); }

void Publisher::stop(std::vector<Message> farewell) {
  if (!thread_.joinable()) return;
  if (work_->stop(std::move(farewell))) {
    thread_.join();
    return;
  }
  running_->abandon();
  thread_.detach();
}

}  // namespace zoo::brokers
