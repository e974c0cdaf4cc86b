// One thread of a worker. Internal to streams/queue.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <semaphore>
#include <string>
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
  const QueueWorkerOptions options;
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

  /// A thread has lost the broker, or has it back: said when it is the first.
  void note_lost(const std::string& why);
  void note_back();
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
  mutable std::mutex mutex_;
  std::condition_variable stopped_;
  std::atomic<bool> stopping_ = false;
  Clock::TimePoint stopped_at_ = Clock::TimePoint::max();  ///< guarded by mutex_
  std::optional<Clock::TimePoint> lost_at_;                ///< guarded by mutex_
  std::optional<brokers::QueueState> state_;               ///< guarded by mutex_
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
  bool claim_one();
  void work_on(std::vector<brokers::QueueEntry> entries);
  void tell();
  void count(const Untold& one, bool counts);
  bool may_give_up() const;

  QueueShared& shared_;
  brokers::RedisQueue queue_;
  EntryAnswers answers_;
  Backoff backoff_;
  std::vector<Untold> untold_;
  ReadSize read_size_;
  Clock::TimePoint back_at_ = Clock::TimePoint::min();
};

}  // namespace zoo::streams
