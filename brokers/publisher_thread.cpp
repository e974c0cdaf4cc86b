// What the thread of a Publisher does.
#include <algorithm>
#include <csignal>
#include <exception>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "brokers/publisher_work.h"
#include "nn/core/counted.h"

namespace zoo::brokers {
namespace {

constexpr std::chrono::milliseconds kIdle{1000};

double seconds(Clock::Duration time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

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
    kept_.begin_connection();
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
    if (kept_.introduced()) batch = take_batch();
    if (batch.empty() && kept_.all_sent() && stopping) {
      if (farewell_.empty()) return false;
      last = std::exchange(farewell_, {});
    }
    idles_ = batch.empty() && kept_.all_sent() && !stopping;
  }
  if (!last.empty()) {
    size_t delivered = 0;
    link_->deliver(last, wakeup_, delivered);
  }
  deliver_kept();
  if (!batch.empty()) deliver_waiting(std::move(batch));
  if (!idles_) return true;
  try {
    link_->idle(kIdle, wakeup_);
  } catch (...) {
    note_loss();
    throw;
  }
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
    for (size_t i = 0; i < delivered; ++i) {
      waiting_bytes_ -= batch[i].bytes();
      if (batch[i].owed) ++owed_delivered_;
    }
    const auto rest = batch.begin() + static_cast<std::ptrdiff_t>(delivered);
    waiting_.insert(waiting_.begin(), std::make_move_iterator(rest), std::make_move_iterator(batch.end()));
    state_.delivered += static_cast<int64_t>(delivered);
    on_their_way_ = 0;
    changed_.notify_all();
  };
  const bool alone = batch.size() == 1;
  note_sent(batch);
  try {
    link_->deliver(batch, wakeup_, delivered);
  } catch (const BrokerError& error) {
    settle();
    if (error.transient() && !note_loss() && alone && delivered == 0) note_loss_of_one();
    throw;
  } catch (...) {
    settle();
    throw;
  }
  {
    const std::scoped_lock lock(mutex_);
    guard_.note_acknowledged(batch);
  }
  settle();
  note_delivered();
}

void Publisher::Work::deliver_kept() {
  KeptMessages::Batch batch;
  {
    const std::scoped_lock lock(mutex_);
    batch = kept_.next(batch_limit_);
  }
  if (batch.messages.empty()) return;
  note_sent(batch.messages);
  size_t delivered = 0;
  try {
    link_->deliver(batch.messages, wakeup_, delivered);
  } catch (...) {
    {
      const std::scoped_lock lock(mutex_);
      kept_.note_delivered(batch, delivered);
    }
    const bool has_suspects = note_loss();
    if (!has_suspects && batch.messages.size() == 1 && delivered == 0 && ++losses_ >= kTries) {
      const Message& refused = batch.messages.front();
      {
        const std::scoped_lock lock(mutex_);
        kept_.forget(refused.place);
        guard_.refuse(refused, clock_.now());
      }
      say_given_up(refused.place, refused.bytes());
    }
    throw;
  }
  {
    const std::scoped_lock lock(mutex_);
    kept_.note_delivered(batch, batch.messages.size());
    guard_.note_acknowledged(batch.messages);
  }
  note_delivered();
}

void Publisher::Work::note_delivered() {
  refusing_.reset();
  batch_limit_ = std::min(kMaxBatch, batch_limit_ * 2);
  losses_ = 0;
}

void Publisher::Work::note_sent(const std::vector<Message>& batch) {
  const std::scoped_lock lock(mutex_);
  if (!deserted_) guard_.note_sent(batch, clock_.now());
}

/// The connection broke: whether that may be for what went out before.
bool Publisher::Work::note_loss() {
  batch_limit_ = 1;
  PoisonGuard::Loss loss;
  {
    const std::scoped_lock lock(mutex_);
    if (deserted_) return false;
    loss = guard_.note_loss(clock_.now());
    if (loss.refused) kept_.forget(loss.refused->place);
  }
  if (loss.refused) say_given_up(loss.refused->place, loss.refused->bytes);
  return loss.has_suspects;
}

/// The connection broke while the first that waits was on its way, alone.
void Publisher::Work::note_loss_of_one() {
  if (++losses_ < kTries) return;
  std::optional<Message> refused;
  {
    const std::scoped_lock lock(mutex_);
    if (stopping_ || waiting_.empty()) return;
    refused = std::move(waiting_.front());
    waiting_.pop_front();
    waiting_bytes_ -= refused->bytes();
    ++state_.dropped;
    if (refused->owed) ++state_.lost;
  }
  say_given_up(refused->place, refused->bytes());
}

void Publisher::Work::say_given_up(const std::string& place, size_t bytes) {
  losses_ = 0;
  say(
      fmt::format("{}: a message of {} for {} is dropped: the connection broke {} while it was on its way; does the "
                  "broker allow messages of that size, and us to write there?",
                  link_->name(), counted(static_cast<int64_t>(bytes), "byte"), place, counted(kTries, "time")));
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
    changed_.notify_all();
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
  state_.lost = owed_ - owed_delivered_;
  waiting_.clear();
  waiting_bytes_ = 0;
}

void Publisher::Work::say(const std::string& text) {
  const std::scoped_lock lock(listening_);
  if (!text.empty() && listener_) listener_(text);
}

}  // namespace zoo::brokers
