// Works on the entries of a queue in Redis until it is stopped: threads that each read, answer, acknowledge.
//
// Each thread has a connection of its own and takes as many new entries at a time as it answers in about 20 ms. There
// are half as many threads more than may work at a time, so that the cores are busy while some wait for the broker.
// What others have left (they died, or lost their connection) is claimed by one thread at a time, entry by entry, so
// that a picture that ends the process takes no others along on its later deliveries. A thread whose broker is away
// keeps its answers, says so once, and comes back as zoo::Backoff says, a second at most after the broker does.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "brokers/redis_queue.h"
#include "nn/core/backoff.h"
#include "nn/core/clock.h"
#include "streams/model_slot.h"
#include "streams/queue/entry_answers.h"
#include "streams/queue/entry_pictures.h"

namespace zoo::streams {

struct QueueWorkerOptions {
  brokers::RedisAddress address;  ///< with the stream as its key
  brokers::RedisQueueOptions queue = {};
  PictureAccess pictures = {};
  EntryRules rules = {};  ///< `group` and `worker` are always the queue's
  int threads = 1;        ///< that work at a time: as many as the model slot serves
  /// An entry that was delivered longer ago and is not done is claimed. Empty: claim_factor times as long as this
  /// worker took for the slowest, at least claim_floor. In a group of machines of different speed the slowest counts.
  std::optional<std::chrono::milliseconds> claim_after = std::nullopt;
  double claim_factor = 4.0;
  std::chrono::milliseconds claim_floor{10'000};
  bool until_empty = false;   ///< stop() once nothing waits and nothing is pending, whoever works on it
  bool leaves_group = false;  ///< its name is nobody else's: the group forgets it at the end
  BackoffOptions backoff = {.first = std::chrono::milliseconds(100), .most = std::chrono::milliseconds(1'000)};
  /// How long a broker that is away, or hangs, keeps the end waiting for what is to be told it: less than the 10 s that
  /// whoever ends containers usually gives them.
  std::chrono::milliseconds patience_at_end{5'000};
  Clock* clock = nullptr;  ///< null: system_clock()
  /// What the user should know, once. Threads of the worker, one at a time.
  std::function<void(const std::string&)> on_message = {};
  /// What has become of an entry, once the queue knows (kLeft: when it is left). Threads of the worker, several at a
  /// time; `age_s`: since the entry was added.
  std::function<void(const EntryOutcome&, double age_s, double work_s)> on_outcome = {};
};

/// Counts since the worker began. answered + dead + stale + repeated + left = entries that were worked on to their end.
struct QueueCounts {
  int64_t delivered = 0;  ///< entries that were taken: new or claimed
  int64_t claimed = 0;    ///< of these, those that others had left
  int64_t answered = 0;
  int64_t dead = 0;
  int64_t dead_trimmed = 0;  ///< dead letters that went (max_dead) as this worker added others: they are lost
  int64_t stale = 0;         ///< dropped for their age
  int64_t repeated = 0;      ///< somebody else was quicker: changed nothing
  int64_t left = 0;          ///< left pending, to be tried again; at the end what the queue could not be told, too
  int64_t lost = 0;          ///< were trimmed from the stream while pending
  int64_t connections_lost = 0;
};

class QueueShared;

/// Thread-safe.
class QueueWorker {
 public:
  /// Starts. Throws EngineError where the system has no more threads.
  QueueWorker(std::shared_ptr<ModelSlot> model, QueueWorkerOptions options);
  /// stop(), and waits.
  ~QueueWorker();
  QueueWorker(const QueueWorker&) = delete;
  QueueWorker& operator=(const QueueWorker&) = delete;

  /// Reads nothing more. What is being worked on is finished, and the queue told.
  void stop() noexcept;
  /// Waits for the end of what stop() leaves to do. One thread at a time.
  void join();
  /// Whether stop() was called, or the queue was found empty where that ends it.
  bool stopping() const;
  QueueCounts counts() const;
  /// The queue at most a second or so ago; nothing while the broker is away.
  std::optional<brokers::QueueState> state() const;
  /// How long an entry must be idle to be claimed.
  std::chrono::milliseconds claim_after() const;

 private:
  void watch();
  void leave() const;
  void say_that_the_end_waits();

  std::shared_ptr<QueueShared> shared_;
  int hands_;  ///< threads that work
  std::vector<std::jthread> threads_;
  bool left_ = false;  ///< the group
};

}  // namespace zoo::streams
