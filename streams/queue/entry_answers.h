// What becomes of one entry of a queue.
//
//   results       id, key, json, model, version, worker
//   dead letters  dead-reason, dead-id, dead-deliveries, dead-worker, and then the entry's own fields
//
// `key` is the entry's field of that name, else its id; `json` what `predict --json` says of the picture, without its
// times (sinks/json_lines.h), with the key as `source`. A picture that cannot be read or does not fit the network is a
// dead letter at once: it cannot get better. What may get better (a web server that is down, no memory) is left pending
// until it is delivered for the last time. An entry that was delivered more often has ended those who worked on it, and
// is a dead letter unseen.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "brokers/redis_queue.h"
#include "streams/model_slot.h"
#include "streams/queue/entry_pictures.h"

namespace zoo::streams {

struct EntryRules {
  std::string worker;  ///< the consumer's name
  int64_t max_deliveries = 3;
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
  std::optional<brokers::QueueAnswer> answer = {};  ///< none of kLeft
};

/// One thread at a time.
class EntryAnswers {
 public:
  /// `model` is asked for each entry, so that a swap counts from the next one on.
  EntryAnswers(std::shared_ptr<ModelSlot> model, PictureAccess access, EntryRules rules);

  /// `now_ms`: by the server's clock. Throws nothing that is the entry's fault.
  EntryOutcome outcome_of(brokers::QueueEntry entry, int64_t now_ms);

 private:
  EntryOutcome answered(brokers::QueueEntry& entry, EntryOutcome outcome);
  EntryOutcome failed(EntryOutcome outcome, const std::string& reason, bool transient) const;

  const std::shared_ptr<ModelSlot> model_;
  EntryPictures pictures_;
  const EntryRules rules_;
};

}  // namespace zoo::streams
