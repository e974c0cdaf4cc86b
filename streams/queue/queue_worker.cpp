#include "streams/queue/queue_worker.h"

#include <algorithm>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include "nn/core/start_thread.h"
#include "streams/queue/queue_hand.h"

namespace zoo::streams {
namespace {

constexpr std::chrono::milliseconds kLook{1'000};
constexpr std::chrono::milliseconds kLookWhereEmptyEnds{100};
constexpr std::chrono::milliseconds kMostBetweenClaims{1'000};
constexpr std::chrono::milliseconds kLeastBetweenClaims{20};
/// What one entry took is forgotten over thousands of others: a machine that stood still once is not slow for ever.
constexpr double kForget = 0.999;

}  // namespace

QueueShared::QueueShared(std::shared_ptr<ModelSlot> slot, QueueWorkerOptions worker_options)
    : model(std::move(slot)),
      options(std::move(worker_options)),
      clock(options.clock != nullptr ? *options.clock : system_clock()),
      cores(options.threads),
      breaker(clock, [this](const std::string& text) { say(text); }) {}

void QueueShared::stop() noexcept {
  const std::scoped_lock lock(mutex_);
  if (stopping_.exchange(true)) return;
  stopped_at_ = clock.now();
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

void QueueShared::note_lost(const std::string& why) {
  const std::scoped_lock lock(mutex_);
  ++counters.connections_lost;
  if (lost_at_) return;
  lost_at_ = clock.now();
  state_.reset();
  if (options.on_message) options.on_message(fmt::format("{}; trying again until it works", why));
}

void QueueShared::note_back() {
  const std::scoped_lock lock(mutex_);
  if (!lost_at_) return;
  const std::chrono::duration<double> away = clock.now() - *lost_at_;
  lost_at_.reset();
  if (options.on_message) {
    options.on_message(fmt::format("{}: works again after {:.1f} s", options.address.server(), away.count()));
  }
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
    : shared_(std::make_shared<QueueShared>(std::move(model), std::move(options))) {
  try {
    const int hands = shared_->options.threads + (shared_->options.threads + 1) / 2;
    for (int i = 0; i < hands; ++i) {
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

void QueueWorker::join() {
  for (std::jthread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
  if (shared_->options.leaves_group && !std::exchange(left_, true)) leave();
}

void QueueWorker::leave() const {
  try {
    brokers::RedisQueue(shared_->options.address, shared_->options.queue).leave();
  } catch (const Error&) {
    // The broker is away: an empty name stays in its list, no more.
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
    } catch (const std::exception&) {
      shared_->set_state(std::nullopt);  // the threads that work say why
    }
    shared_->wait(options.until_empty ? kLookWhereEmptyEnds : kLook);
  }
}

}  // namespace zoo::streams
