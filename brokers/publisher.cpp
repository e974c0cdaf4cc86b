#include "brokers/publisher.h"

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <exception>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "nn/core/backoff.h"
#include "nn/core/counted.h"
#include "nn/core/start_thread.h"

namespace zoo::brokers {
namespace {

/// Of a broker that cannot be reached.
constexpr std::chrono::milliseconds kUnreachableWait{500};
/// Messages that are on their way at a time: the broker's answer is awaited for all of them at once.
constexpr size_t kBatch = 64;
constexpr std::chrono::milliseconds kIdle{1000};

double seconds(Clock::Duration time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

/// What the thread and those who send share.
class Publisher::Work {
 public:
  Work(std::unique_ptr<Link> link, const PublisherOptions& options)
      : link_(std::move(link)),
        options_(options),
        clock_(options.clock == nullptr ? system_clock() : *options.clock),
        listener_(options.on_message),
        unreachable_({.most = kUnreachableWait, .seed = options.seed}),
        refusing_({.seed = options.seed}) {}

  void run();
  void send(Message message);
  void keep(Message message);
  void forget(const std::string& place);
  PublisherState state() const;
  bool idle() const;
  /// False if the thread hangs.
  bool stop(std::vector<Message> farewell);

 private:
  using Lock = std::unique_lock<std::mutex>;

  struct Kept {
    Message message;
    int64_t version = 0;
  };

  void connect();
  bool serve();
  std::vector<Message> take_batch();
  void deliver_waiting(std::vector<Message> batch);
  void deliver_kept();
  void note_delivered();
  void note_loss(bool of_one);
  void say_given_up(const Message& message);
  void lose(const std::string& why, bool transient);
  void wait_to_reconnect(Clock::Duration time);
  void end();
  void drop_oldest();
  void drop_all();
  bool stopped() const {
    const std::scoped_lock lock(mutex_);
    return stopping_ && !state_.connected;
  }
  void say(const std::string& text);

  const std::unique_ptr<Link> link_;  ///< of the thread
  const PublisherOptions options_;
  Clock& clock_;  ///< gone once the thread was left behind
  Wakeup wakeup_;

  std::mutex listening_;
  std::function<void(const std::string&)> listener_;  ///< guarded by listening_

  // Of the thread.
  Backoff unreachable_;
  Backoff refusing_;
  size_t batch_limit_ = kBatch;  ///< one after a loss, to find out whether it is one message that breaks connections
  int losses_ = 0;               ///< in a row, while one message was on its way
  bool was_connected_ = false;
  bool introduced_ = false;  ///< everything that is kept has been sent since there is a connection
  std::optional<Clock::TimePoint> connected_at_;
  std::optional<Clock::TimePoint> away_since_;
  int64_t dropped_before_ = 0;  ///< when the connection was lost

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Message> waiting_;
  size_t waiting_bytes_ = 0;  ///< of these and of those on their way
  size_t on_their_way_ = 0;
  std::map<std::string, Kept> kept_;  ///< by place
  std::set<std::string> unsent_;      ///< of these
  std::vector<Message> farewell_;
  PublisherState state_;
  bool idles_ = false;
  bool stopping_ = false;
  bool ended_ = false;
  bool deserted_ = false;  ///< the thread hangs, and is not waited for
};

void Publisher::Work::run() {
  // A connection that the other side has closed is an error code, not the end of the process.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  while (!stopped()) {
    try {
      connect();
      if (!serve()) break;
    } catch (const BrokerError& error) {
      lose(error.what(), error.transient());
    } catch (const std::exception& error) {
      lose(fmt::format("{}: {}", link_->name(), error.what()), false);
    }
  }
  link_->close();
  end();
}

/// Unless it is connected; throws what the link throws.
void Publisher::Work::connect() {
  if (connected_at_) return;
  link_->connect(wakeup_);
  connected_at_ = clock_.now();
  std::string news;
  {
    const std::scoped_lock lock(mutex_);
    if (std::exchange(was_connected_, true)) ++state_.reconnects;
    state_.connected = true;
    state_.away = false;
    state_.message.clear();
    for (const auto& [place, kept] : kept_) unsent_.insert(place);
    introduced_ = false;
    if (away_since_) {
      news = fmt::format("{}: is there again after {:.1f} s", link_->name(), seconds(*connected_at_ - *away_since_));
      const int64_t dropped = state_.dropped - dropped_before_;
      if (dropped > 0) news += fmt::format("; {} dropped meanwhile", counted(dropped, "message"));
    }
  }
  away_since_.reset();
  say(news);
}

/// One turn; false once everything is said.
bool Publisher::Work::serve() {
  wakeup_.clear();
  std::vector<Message> batch;
  std::vector<Message> last;
  bool stopping = false;
  {
    const std::scoped_lock lock(mutex_);
    stopping = stopping_;
    introduced_ = introduced_ || unsent_.empty();
    if (introduced_) batch = take_batch();
    if (batch.empty() && unsent_.empty() && stopping) {
      if (farewell_.empty()) return false;
      last = std::exchange(farewell_, {});
    }
    idles_ = batch.empty() && unsent_.empty() && !stopping;
  }
  if (!last.empty()) {
    size_t delivered = 0;
    link_->deliver(last, wakeup_, delivered);
  }
  deliver_kept();
  if (!batch.empty()) deliver_waiting(std::move(batch));
  if (!idles_) return true;
  link_->idle(kIdle, wakeup_);
  const std::scoped_lock lock(mutex_);
  idles_ = false;
  return true;
}

/// With the lock held.
std::vector<Message> Publisher::Work::take_batch() {
  const size_t count = std::min(waiting_.size(), batch_limit_);
  const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
  std::vector<Message> batch(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
  waiting_.erase(waiting_.begin(), end);
  on_their_way_ = count;
  return batch;
}

/// What is not delivered waits again, in front of all else.
void Publisher::Work::deliver_waiting(std::vector<Message> batch) {
  size_t delivered = 0;
  const auto settle = [&] {
    const std::scoped_lock lock(mutex_);
    if (deserted_) return;
    for (size_t i = 0; i < delivered; ++i) waiting_bytes_ -= batch[i].bytes();
    const auto rest = batch.begin() + static_cast<std::ptrdiff_t>(delivered);
    waiting_.insert(waiting_.begin(), std::make_move_iterator(rest), std::make_move_iterator(batch.end()));
    state_.delivered += static_cast<int64_t>(delivered);
    on_their_way_ = 0;
  };
  const bool alone = batch.size() == 1;
  try {
    link_->deliver(batch, wakeup_, delivered);
  } catch (const BrokerError& error) {
    settle();
    note_loss(alone && delivered == 0 && error.transient());
    throw;
  } catch (...) {
    settle();
    throw;
  }
  settle();
  note_delivered();
}

void Publisher::Work::deliver_kept() {
  std::vector<Message> batch;
  std::vector<int64_t> versions;
  {
    const std::scoped_lock lock(mutex_);
    for (const std::string& place : unsent_) {
      if (batch.size() == batch_limit_) break;
      const Kept& kept = kept_.at(place);
      batch.push_back(kept.message);
      versions.push_back(kept.version);
    }
  }
  if (batch.empty()) return;
  size_t delivered = 0;
  const auto settle = [&](size_t count) {
    const std::scoped_lock lock(mutex_);
    for (size_t i = 0; i < count; ++i) {
      const auto kept = kept_.find(batch[i].place);
      if (kept == kept_.end() || kept->second.version != versions[i]) continue;
      unsent_.erase(kept->first);
      if (!batch[i].lasts) kept_.erase(kept);
    }
  };
  try {
    link_->deliver(batch, wakeup_, delivered);
  } catch (...) {
    settle(delivered);
    note_loss(false);
    if (batch.size() == 1 && delivered == 0 && ++losses_ >= kTries) {
      forget(batch.front().place);
      say_given_up(batch.front());
    }
    throw;
  }
  settle(batch.size());
  note_delivered();
}

void Publisher::Work::note_delivered() {
  refusing_.reset();
  batch_limit_ = std::min(kBatch, batch_limit_ * 2);
  losses_ = 0;
}

/// A connection broke while messages were on their way; `of_one`: while the first that waits was, alone.
void Publisher::Work::note_loss(bool of_one) {
  batch_limit_ = 1;
  if (!of_one || ++losses_ < kTries) return;
  std::optional<Message> refused;
  {
    const std::scoped_lock lock(mutex_);
    if (stopping_ || waiting_.empty()) return;
    refused = std::move(waiting_.front());
    waiting_.pop_front();
    waiting_bytes_ -= refused->bytes();
    ++state_.dropped;
  }
  say_given_up(*refused);
}

void Publisher::Work::say_given_up(const Message& message) {
  losses_ = 0;
  say(fmt::format(
      "{}: a message of {} for {} is dropped: the connection broke {} while it was on its way; does the "
      "broker allow messages of that size, and us to write there?",
      link_->name(), counted(static_cast<int64_t>(message.bytes()), "byte"), message.place, counted(kTries, "time")));
}

void Publisher::Work::lose(const std::string& why, bool transient) {
  const Clock::TimePoint now = clock_.now();
  if (connected_at_) unreachable_.note_worked_for(now - *connected_at_);
  connected_at_.reset();
  link_->close();
  bool is_news = false;
  {
    const std::scoped_lock lock(mutex_);
    is_news = state_.message != why && !stopping_;
    if (state_.connected) dropped_before_ = state_.dropped;
    state_.connected = false;
    state_.away = true;
    state_.message = why;
    idles_ = false;
  }
  if (!away_since_) away_since_ = now;
  if (is_news) {
    say(
        fmt::format("{}; what is published waits for it (at most {}; then the oldest are dropped), everything else "
                    "goes on",
                    why, counted(static_cast<int64_t>(options_.max_messages), "message")));
  }
  wait_to_reconnect((transient ? unreachable_ : refusing_).next());
}

void Publisher::Work::wait_to_reconnect(Clock::Duration time) {
  Lock lock(mutex_);
  clock_.wait_until(lock, changed_, clock_.now() + time, [this] { return stopping_; });
}

void Publisher::Work::send(Message message) {
  const std::scoped_lock lock(mutex_);
  ++state_.sent;
  if (stopping_) {
    ++state_.dropped;
    return;
  }
  const size_t bytes = message.bytes();
  while (!waiting_.empty() && (waiting_.size() + on_their_way_ >= std::max<size_t>(options_.max_messages, 1) ||
                               waiting_bytes_ + bytes > options_.max_bytes)) {
    drop_oldest();
  }
  waiting_bytes_ += bytes;
  waiting_.push_back(std::move(message));
  if (idles_) wakeup_.wake();
}

void Publisher::Work::drop_oldest() {
  waiting_bytes_ -= waiting_.front().bytes();
  waiting_.pop_front();
  ++state_.dropped;
}

void Publisher::Work::keep(Message message) {
  const std::scoped_lock lock(mutex_);
  Kept& kept = kept_[message.place];
  kept.message = std::move(message);
  ++kept.version;
  unsent_.insert(kept.message.place);
  if (idles_) wakeup_.wake();
}

void Publisher::Work::forget(const std::string& place) {
  const std::scoped_lock lock(mutex_);
  kept_.erase(place);
  unsent_.erase(place);
}

PublisherState Publisher::Work::state() const {
  const std::scoped_lock lock(mutex_);
  PublisherState state = state_;
  state.waiting = state.sent - state.delivered - state.dropped;
  return state;
}

bool Publisher::Work::idle() const {
  const std::scoped_lock lock(mutex_);
  return state_.away || (waiting_.empty() && on_their_way_ == 0 && unsent_.empty());
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
  deserted_ = !in_time;
  lock.unlock();
  const std::scoped_lock listening(listening_);
  listener_ = {};
  return in_time;
}

void Publisher::Work::end() {
  const std::scoped_lock lock(mutex_);
  state_.connected = false;
  drop_all();
  ended_ = true;
  changed_.notify_all();
}

/// With the lock held.
void Publisher::Work::drop_all() {
  state_.dropped = state_.sent - state_.delivered;
  waiting_.clear();
  waiting_bytes_ = 0;
}

void Publisher::Work::say(const std::string& text) {
  const std::scoped_lock lock(listening_);
  if (!text.empty() && listener_) listener_(text);
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
