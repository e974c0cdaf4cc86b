// What becomes of one entry of a queue.
//
//   results       id, key, json, model, version, worker
//   dead letters  dead-reason, dead-id, dead-deliveries, dead-group, dead-worker, and then the entry's own fields
//
// `key` is the entry's field of that name, else its id; `json` what `predict --json` says of the picture, without its
// times (sinks/json_lines.h), with the key as `source`. A picture that cannot be read or does not fit the network is a
// dead letter at once: it cannot get better. What may get better (a web server that is down, no memory) is left
// pending, however often, until it has failed for EntryRules::retry_for; such a delivery is not counted. An entry that
// was delivered more often than it may has ended those who worked on it, and is a dead letter unseen.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "brokers/redis_queue.h"
#include "streams/model_slot.h"
#include "streams/queue/entry_pictures.h"

namespace zoo::streams {

struct EntryRules {
  std::string group;           ///< the consumer's
  std::string worker;          ///< the consumer's name
  int64_t max_deliveries = 3;  ///< that nobody told the end of
  /// How long an entry is tried again that fails for what may get better, from its first failure at this worker.
  std::chrono::milliseconds retry_for{3'600'000};
  std::optional<std::chrono::milliseconds> max_age = std::nullopt;  ///< older entries are dropped
};

/// What is to be told the queue, and what the user may see of it.
struct EntryOutcome {
  enum class Kind { kAnswered, kDead, kStale, kLeft };
  Kind kind = Kind::kAnswered;
  std::string id;
  std::string key;
  std::string json;    ///< of kAnswered
  std::string reason;  ///< of kDead, kLeft
  int64_t deliveries = 1;
  int64_t added_ms = 0;                             ///< by the server's clock
  std::optional<brokers::QueueAnswer> answer = {};  ///< always, once it is decided
};

/// Since when entries fail for what may get better. Thread-safe: the threads of a worker share one.
class FailureTimes {
 public:
  /// More are forgotten, the oldest first: they are tried longer.
  static constexpr size_t kMost = 10'000;

  /// How long ago the entry failed for the first time; now, where it had not.
  std::chrono::milliseconds failing_for(const std::string& id, int64_t now_ms);
  void forget(const std::string& id);

 private:
  std::mutex mutex_;
  std::map<std::string, int64_t> first_ms_;
};

/// One thread at a time.
class EntryAnswers {
 public:
  /// `model` is asked for each entry, so that a swap counts from the next one on.
  EntryAnswers(std::shared_ptr<ModelSlot> model, PictureAccess access, EntryRules rules,
               std::shared_ptr<FailureTimes> failures = std::make_shared<FailureTimes>());

  /// An entry on its way.
  struct Taken {
    EntryOutcome outcome;                              ///< as far as it is known
    std::optional<std::vector<uint8_t>> picture = {};  ///< the file; none where the outcome is decided
    int64_t now_ms = 0;
  };
  /// The entry with its picture, which may be read from a disk or a network: waits, but computes nothing. `now_ms`: by
  /// the server's clock. Throws nothing that is the entry's fault, as all here.
  Taken take(brokers::QueueEntry entry, int64_t now_ms);
  /// Decodes and predicts.
  EntryOutcome outcome_of(Taken taken);
  /// Of one that is not tried now, as others around it failed for what may get better.
  static EntryOutcome left_untried(const brokers::QueueEntry& entry);
  EntryOutcome outcome_of(brokers::QueueEntry entry, int64_t now_ms) {
    return outcome_of(take(std::move(entry), now_ms));
  }

 private:
  /// The outcome without a look at the picture, where that decides it.
  std::optional<EntryOutcome> early(const brokers::QueueEntry& entry, const EntryOutcome& outcome,
                                    int64_t now_ms) const;
  EntryOutcome answered(Taken& taken) const;
  EntryOutcome of_exception(const Taken& taken) const;
  EntryOutcome left_or_dead(const Taken& taken, const std::string& reason) const;
  static EntryOutcome left(EntryOutcome outcome, const std::string& reason);
  EntryOutcome dead(EntryOutcome outcome, const std::string& reason) const;

  const std::shared_ptr<ModelSlot> model_;
  EntryPictures pictures_;
  const EntryRules rules_;
  const std::shared_ptr<FailureTimes> failures_;
};

}  // namespace zoo::streams
