// One thread of a worker. Internal to streams/queue.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <semaphore>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "streams/queue/queue_worker.h"
#include "streams/queue/read_size.h"
#include "streams/queue/source_breaker.h"

namespace zoo::streams {

/// What the threads of a worker share. Thread-safe.
class QueueShared {
 public:
  QueueShared(std::shared_ptr<ModelSlot> slot, QueueWorkerOptions worker_options);

  const std::shared_ptr<ModelSlot> model;
  QueueWorkerOptions options;  ///< not changed once threads run
  Clock& clock;
  /// Of the threads that work: there are more threads than cores, so that some may wait for the broker.
  std::counting_semaphore<> cores;
  SourceBreaker breaker;
  const std::shared_ptr<FailureTimes> failures = std::make_shared<FailureTimes>();

  void stop() noexcept;
  bool stopping() const { return stopping_; }
  /// Waits, or until stop().
  void wait(std::chrono::milliseconds time);
  /// When stop() was called; the future while it was not.
  Clock::TimePoint stopped_at() const;

  /// What a thread asks of the broker. Whoever fails at one of them may go on with the others, so that only the same
  /// tells that it works again. Claiming is one thread's at a time, and what it finds counts for all.
  enum class Step { kTell, kClaim, kRead, kLook };
  /// A thread has failed at it: said when it is the first of its kind. Of what no waiting mends (`transient` is false)
  /// it is said apart from a broker that is away.
  void note_lost(int thread, Step step, const std::string& why, bool transient);
  /// It works: said when it is the last.
  void note_back(int thread, Step step);
  /// When waits for the broker end, whoever waits.
  std::chrono::steady_clock::time_point must_end() const { return must_end_.load(); }
  /// A thread has ended, with so many answers that the queue was not told.
  void note_ended(int64_t untold);
  /// Whether all have, at the latest after this time.
  bool wait_until_ended(int threads, std::chrono::milliseconds time);
  /// Answers were left untold: the broker is away.
  bool gave_up() const { return gave_up_; }
  /// What the user should know.
  void say(const std::string& text);

  /// From reading an entry to its answer.
  void note_held(std::chrono::duration<double> time);
  std::chrono::milliseconds claim_after() const;
  /// The right to claim, which one thread has at a time; none before the next claim is due.
  std::unique_lock<std::mutex> try_claim();
  /// There was nothing to claim: the next try is later.
  void nothing_to_claim();

  void set_state(const std::optional<brokers::QueueState>& state);
  std::optional<brokers::QueueState> state() const;

  struct Counters {
    std::atomic<int64_t> delivered = 0;
    std::atomic<int64_t> claimed = 0;
    std::atomic<int64_t> answered = 0;
    std::atomic<int64_t> dead = 0;
    std::atomic<int64_t> dead_trimmed = 0;
    std::atomic<int64_t> stale = 0;
    std::atomic<int64_t> repeated = 0;
    std::atomic<int64_t> left = 0;
    std::atomic<int64_t> lost = 0;
    std::atomic<int64_t> connections_lost = 0;
  };
  Counters counters;

 private:
  struct Trouble {
    Clock::TimePoint since;
    std::set<std::pair<int, Step>> who;  ///< of kClaim one for all: thread -1
  };
  static std::pair<int, Step> place(int thread, Step step) { return {step == Step::kClaim ? -1 : thread, step}; }

  mutable std::mutex mutex_;
  std::condition_variable stopped_;
  std::atomic<bool> stopping_ = false;
  Clock::TimePoint stopped_at_ = Clock::TimePoint::max();  ///< guarded by mutex_
  std::map<bool, Trouble> troubles_;                       ///< by whether they may pass; guarded by mutex_
  std::condition_variable ended_;
  int threads_ended_ = 0;  ///< guarded by mutex_
  std::atomic<bool> gave_up_ = false;
  std::atomic<std::chrono::steady_clock::time_point> must_end_ = std::chrono::steady_clock::time_point::max();
  std::optional<brokers::QueueState> state_;  ///< guarded by mutex_
  std::atomic<double> slowest_s_ = 0.0;
  std::mutex claiming_;
  std::atomic<Clock::TimePoint> next_claim_ = Clock::TimePoint::min();
};

/// Reads, answers, acknowledges; one thread.
class QueueHand {
 public:
  QueueHand(QueueShared& shared, int number);

  /// Until the worker stops.
  void run();

 private:
  /// An answer that the queue does not know yet.
  struct Untold {
    EntryOutcome outcome;
    double work_s = 0.0;
  };

  void turn();
  /// What is asked from here on is of this step.
  void begin(QueueShared::Step step) { step_ = step; }
  void worked() { shared_.note_back(number_, step_); }
  bool claim_one();
  void work_on(std::vector<brokers::QueueEntry> entries);
  void tell();
  void count(const Untold& one, bool counts);
  bool may_give_up(bool transient) const;

  QueueShared& shared_;
  const int number_;
  QueueShared::Step step_ = QueueShared::Step::kTell;
  brokers::RedisQueue queue_;
  EntryAnswers answers_;
  Backoff backoff_;
  std::vector<Untold> untold_;
  ReadSize read_size_;
  Clock::TimePoint back_at_ = Clock::TimePoint::min();
};

}  // namespace zoo::streams
