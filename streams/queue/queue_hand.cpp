#include "streams/queue/queue_hand.h"

#include <exception>
#include <utility>

#include <fmt/format.h>

#include "brokers/broker_error.h"
#include "nn/core/stopwatch.h"

namespace zoo::streams {
namespace {

/// How long a thread waits for new entries before it looks whether to claim, or to stop.
constexpr std::chrono::milliseconds kWait{250};
constexpr double kMillisecondsPerSecond = 1e3;

/// A thread's right to work.
class Core {
 public:
  explicit Core(std::counting_semaphore<>& cores) : cores_(cores) { cores_.acquire(); }
  ~Core() { cores_.release(); }
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

 private:
  std::counting_semaphore<>& cores_;
};

double bytes_of(const brokers::QueueEntry& entry) {
  size_t bytes = 0;
  for (const auto& [name, value] : entry.fields) bytes += name.size() + value.size();
  return static_cast<double>(bytes);
}

EntryRules rules_of(const QueueWorkerOptions& options) {
  EntryRules rules = options.rules;
  rules.group = options.queue.group;
  rules.worker = options.queue.consumer;
  return rules;
}

BackoffOptions backoff_of(BackoffOptions options, int number) {
  options.seed += static_cast<uint64_t>(number);
  return options;
}

/// Errors of the broker know; of others, no memory, it is not known.
bool may_pass(const std::exception& error) {
  const auto* refused = dynamic_cast<const brokers::BrokerError*>(&error);
  return refused == nullptr || refused->transient();
}

}  // namespace

QueueHand::QueueHand(QueueShared& shared, int number)
    : shared_(shared),
      number_(number),
      queue_(shared.options.address, shared.options.queue),
      answers_(shared.model, shared.options.pictures, rules_of(shared.options), shared.failures),
      backoff_(backoff_of(shared.options.backoff, number)) {}

void QueueHand::run() {
  while (!shared_.stopping() || !untold_.empty()) {
    try {
      turn();
      backoff_.reset();
    } catch (const std::exception& error) {
      const bool transient = may_pass(error);
      shared_.note_lost(number_, step_, error.what(), transient);
      if (may_give_up(transient)) break;
      shared_.wait(backoff_.next());
    }
  }
  shared_.note_ended(std::ssize(untold_));
}

/// The end does not wait for ever, nor for what only a person mends: what is not told is delivered again.
bool QueueHand::may_give_up(bool transient) const {
  if (!shared_.stopping()) return false;
  return !transient || shared_.clock.now() - shared_.stopped_at() >= shared_.options.patience_at_end;
}

void QueueHand::turn() {
  tell();
  if (shared_.stopping()) return;
  if (!shared_.breaker.may_take()) return shared_.wait(kWait);
  if (claim_one()) return;
  begin(QueueShared::Step::kRead);
  try {
    std::vector<brokers::QueueEntry> entries = queue_.read(shared_.breaker.is_open() ? 1 : read_size_.entries(), kWait);
    worked();
    work_on(std::move(entries));
  } catch (const brokers::ReplyTooLarge&) {
    read_size_.note_too_large();
    throw;
  }
  tell();
}

/// While this thread works on what it has claimed no other claims.
bool QueueHand::claim_one() {
  const std::unique_lock<std::mutex> turn_to_claim = shared_.try_claim();
  if (!turn_to_claim.owns_lock()) return false;
  begin(QueueShared::Step::kClaim);
  brokers::RedisQueue::Claimed claimed = queue_.claim(shared_.claim_after());
  worked();
  shared_.counters.lost += claimed.lost;
  if (!claimed.entry) {
    shared_.nothing_to_claim();
    return false;
  }
  ++shared_.counters.claimed;
  std::vector<brokers::QueueEntry> one;
  one.push_back(*std::move(claimed.entry));
  work_on(std::move(one));
  tell();
  return true;
}

void QueueHand::work_on(std::vector<brokers::QueueEntry> entries) {
  if (entries.empty()) return;
  const Stopwatch held;
  shared_.counters.delivered += std::ssize(entries);
  for (brokers::QueueEntry& entry : entries) {
    read_size_.note_bytes(bytes_of(entry));
    if (&entry != &entries.front() && shared_.breaker.is_open()) {
      untold_.push_back({EntryAnswers::left_untried(entry), 0.0});
      continue;
    }
    const Stopwatch taking;
    EntryAnswers::Taken taken = answers_.take(std::move(entry), queue_.server_time_ms());
    const double taken_s = taking.elapsed_ms() / kMillisecondsPerSecond;
    const Core core(shared_.cores);
    const Stopwatch watch;
    EntryOutcome outcome = answers_.outcome_of(std::move(taken));
    const double work_s = taken_s + watch.elapsed_ms() / kMillisecondsPerSecond;
    if (outcome.kind == EntryOutcome::Kind::kLeft) shared_.breaker.note_failure(outcome.reason);
    if (outcome.kind == EntryOutcome::Kind::kAnswered) shared_.breaker.note_success();
    // What fails says nothing about what works.
    if (outcome.kind != EntryOutcome::Kind::kLeft) read_size_.note_work(work_s);
    untold_.push_back({std::move(outcome), work_s});
  }
  shared_.note_held(std::chrono::duration<double, std::milli>(held.elapsed_ms()));
}

void QueueHand::tell() {
  if (untold_.empty()) return;
  begin(QueueShared::Step::kTell);
  std::vector<brokers::QueueAnswer> answers;
  for (const Untold& one : untold_) {
    if (one.outcome.answer) answers.push_back(*one.outcome.answer);
  }
  const std::vector<bool> counted = queue_.answer(answers);
  worked();
  size_t next = 0;
  for (const Untold& one : untold_) count(one, !one.outcome.answer || counted[next++]);
  shared_.counters.dead_trimmed += queue_.take_dead_trimmed();
  untold_.clear();
}

void QueueHand::count(const Untold& one, bool counts) {
  QueueShared::Counters& counters = shared_.counters;
  if (!counts) {
    ++counters.repeated;
    return;
  }
  switch (one.outcome.kind) {
    case EntryOutcome::Kind::kAnswered:
      ++counters.answered;
      break;
    case EntryOutcome::Kind::kDead:
      ++counters.dead;
      break;
    case EntryOutcome::Kind::kStale:
      ++counters.stale;
      break;
    case EntryOutcome::Kind::kLeft:
      ++counters.left;
      break;
  }
  if (!shared_.options.on_outcome) return;
  const auto age_ms = static_cast<double>(queue_.server_time_ms() - one.outcome.added_ms);
  shared_.options.on_outcome(one.outcome, age_ms / kMillisecondsPerSecond, one.work_s);
}

}  // namespace zoo::streams
