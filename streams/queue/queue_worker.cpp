#include "streams/queue/queue_worker.h"

#include <algorithm>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include "brokers/broker_error.h"
#include "nn/core/start_thread.h"
#include "streams/queue/queue_hand.h"

namespace zoo::streams {
namespace {

constexpr std::chrono::milliseconds kLook{1'000};
constexpr std::chrono::milliseconds kLookWhereEmptyEnds{100};
constexpr std::chrono::milliseconds kMostBetweenClaims{1'000};
constexpr std::chrono::milliseconds kLeastBetweenClaims{20};
/// The thread that looks after the queue's figures, for messages.
constexpr int kWatch = -1;
/// What one entry took is forgotten over thousands of others: a machine that stood still once is not slow for ever.
constexpr double kForget = 0.999;
/// The end is usually there by then; a longer one is said.
constexpr std::chrono::milliseconds kUsualEnd{1'000};

}  // namespace

QueueShared::QueueShared(std::shared_ptr<ModelSlot> slot, QueueWorkerOptions worker_options)
    : model(std::move(slot)),
      options(std::move(worker_options)),
      clock(options.clock != nullptr ? *options.clock : system_clock()),
      cores(options.threads),
      breaker(clock, [this](const std::string& text) { say(text); }) {
  options.queue.redis.must_end = [this] { return must_end(); };
}

void QueueShared::stop() noexcept {
  const std::scoped_lock lock(mutex_);
  if (stopping_.exchange(true)) return;
  stopped_at_ = clock.now();
  must_end_ = std::chrono::steady_clock::now() + options.patience_at_end;
  stopped_.notify_all();
}

void QueueShared::wait(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  // At the end it is still waited, or a broker that is away would be asked without a pause.
  const bool was_stopping = stopping_;
  clock.wait_until(lock, stopped_, clock.now() + time, [&] { return stopping_ && !was_stopping; });
}

Clock::TimePoint QueueShared::stopped_at() const {
  const std::scoped_lock lock(mutex_);
  return stopped_at_;
}

void QueueShared::note_lost(int thread, Step step, const std::string& why, bool transient) {
  const std::scoped_lock lock(mutex_);
  if (step != Step::kLook) ++counters.connections_lost;
  const auto [trouble, is_new] = troubles_.try_emplace(transient, Trouble{.since = clock.now(), .who = {}});
  trouble->second.who.insert(place(thread, step));
  if (!is_new) return;
  state_.reset();
  if (options.on_message) options.on_message(fmt::format("{}; trying again until it works", why));
}

void QueueShared::note_back(int thread, Step step) {
  const std::scoped_lock lock(mutex_);
  for (auto trouble = troubles_.begin(); trouble != troubles_.end();) {
    std::set<std::pair<int, Step>>& who = trouble->second.who;
    if (who.erase(place(thread, step)) == 0 || !who.empty()) {
      ++trouble;
      continue;
    }
    const std::chrono::duration<double> away = clock.now() - trouble->second.since;
    trouble = troubles_.erase(trouble);
    if (!options.on_message) continue;
    options.on_message(fmt::format("{}: works again after {:.1f} s", options.address.server(), away.count()));
  }
}

void QueueShared::note_ended(int64_t untold) {
  counters.left += untold;
  if (untold > 0) gave_up_ = true;
  const std::scoped_lock lock(mutex_);
  ++threads_ended_;
  ended_.notify_all();
}

bool QueueShared::wait_until_ended(int threads, std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return ended_.wait_for(lock, time, [&] { return threads_ended_ >= threads; });
}

void QueueShared::say(const std::string& text) {
  const std::scoped_lock lock(mutex_);
  if (options.on_message) options.on_message(fmt::format("{}: {}", options.address.server(), text));
}

void QueueShared::note_held(std::chrono::duration<double> time) {
  double slowest = slowest_s_;
  while (!slowest_s_.compare_exchange_weak(slowest, std::max(slowest * kForget, time.count()))) {
  }
}

std::chrono::milliseconds QueueShared::claim_after() const {
  if (options.claim_after) return *options.claim_after;
  const std::chrono::duration<double> slowest(slowest_s_ * options.claim_factor);
  return std::max(options.claim_floor, std::chrono::ceil<std::chrono::milliseconds>(slowest));
}

std::unique_lock<std::mutex> QueueShared::try_claim() {
  if (clock.now() < next_claim_.load()) return {};
  return std::unique_lock(claiming_, std::try_to_lock);
}

void QueueShared::nothing_to_claim() {
  next_claim_ = clock.now() + std::clamp(claim_after() / 4, kLeastBetweenClaims, kMostBetweenClaims);
}

void QueueShared::set_state(const std::optional<brokers::QueueState>& state) {
  const std::scoped_lock lock(mutex_);
  state_ = state;
}

std::optional<brokers::QueueState> QueueShared::state() const {
  const std::scoped_lock lock(mutex_);
  return state_;
}

QueueWorker::QueueWorker(std::shared_ptr<ModelSlot> model, QueueWorkerOptions options)
    : shared_(std::make_shared<QueueShared>(std::move(model), std::move(options))),
      hands_(shared_->options.threads + (shared_->options.threads + 1) / 2) {
  try {
    for (int i = 0; i < hands_; ++i) {
      threads_.push_back(
          start_thread(fmt::format("zoo-queue{}", i), [shared = shared_, i] { QueueHand(*shared, i).run(); }));
    }
    threads_.push_back(start_thread("zoo-queuewatch", [this] { watch(); }));
  } catch (...) {
    stop();
    join();
    throw;
  }
}

QueueWorker::~QueueWorker() {
  stop();
  join();
}

void QueueWorker::stop() noexcept { shared_->stop(); }

void QueueWorker::say_that_the_end_waits() {
  if (!shared_->stopping() || std::ssize(threads_) <= hands_) return;
  if (shared_->wait_until_ended(hands_, kUsualEnd)) return;
  shared_->say(
      fmt::format("ending: waiting for what is being worked on, and at most {:g} s for a server that does not "
                  "answer; what it is not told is delivered again",
                  std::chrono::duration<double>(shared_->options.patience_at_end).count()));
}

void QueueWorker::join() {
  say_that_the_end_waits();
  for (std::jthread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
  // A broker that is away keeps an empty name in its list, no more.
  if (shared_->options.leaves_group && !shared_->gave_up() && !std::exchange(left_, true)) leave();
}

void QueueWorker::leave() const {
  try {
    brokers::RedisQueue(shared_->options.address, shared_->options.queue).leave();
  } catch (const Error&) {
    // It is away.
  }
}

bool QueueWorker::stopping() const { return shared_->stopping(); }

std::optional<brokers::QueueState> QueueWorker::state() const { return shared_->state(); }

std::chrono::milliseconds QueueWorker::claim_after() const { return shared_->claim_after(); }

QueueCounts QueueWorker::counts() const {
  const QueueShared::Counters& counters = shared_->counters;
  return {.delivered = counters.delivered,
          .claimed = counters.claimed,
          .answered = counters.answered,
          .dead = counters.dead,
          .dead_trimmed = counters.dead_trimmed,
          .stale = counters.stale,
          .repeated = counters.repeated,
          .left = counters.left,
          .lost = counters.lost,
          .connections_lost = counters.connections_lost};
}

void QueueWorker::watch() {
  const QueueWorkerOptions& options = shared_->options;
  brokers::RedisQueue queue(options.address, options.queue);
  while (!shared_->stopping()) {
    try {
      const brokers::QueueState state = queue.state();
      shared_->set_state(state);
      if (options.until_empty && state.waiting == 0 && state.pending == 0) return shared_->stop();
      shared_->note_back(kWatch, QueueShared::Step::kLook);
    } catch (const std::exception& error) {
      shared_->set_state(std::nullopt);
      // Of a broker that is away the threads that work say it.
      const auto* refused = dynamic_cast<const brokers::BrokerError*>(&error);
      if (refused != nullptr && !refused->transient()) {
        shared_->note_lost(kWatch, QueueShared::Step::kLook, error.what(), false);
      }
    }
    shared_->wait(options.until_empty ? kLookWhereEmptyEnds : kLook);
  }
}

}  // namespace zoo::streams
