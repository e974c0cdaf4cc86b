// A stream of Redis as a queue of jobs: a consumer group reads, claims what dead members have left, and answers.
//
//   RedisQueue queue(parse_redis_address("redis://host/jobs"), {.group = "g", .consumer = "worker-1", .results =
//   "out"}); for (const QueueEntry& entry : queue.read(8, 250ms)) ... queue.answer({{.id = entry.id, .fields = {"key",
//   "cam-1/000123", "json", line}}});
//
// What is promised: an entry that was added is delivered until it is answered, put among the dead letters or dropped.
// An answer is added to the results and the entry acknowledged by one script, which runs whole or not at all, and only
// while the entry is pending: whoever answers second changes nothing, so each entry has one answer as long as the
// server keeps what it was told. One that loses its last second (appendfsync everysec) may let an entry be answered
// again: readers of the results tell by its key. Redis 7.0 or later.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "brokers/redis_client.h"

namespace zoo::brokers {

struct QueueEntry {
  std::string id;  ///< "1701339760123-0": milliseconds of the server's clock when it was added, and a number
  std::vector<std::pair<std::string, std::string>> fields;
  int64_t deliveries = 1;  ///< this one included
  bool too_large = false;  ///< it has more than RedisQueueOptions::max_entry_bytes: `fields` are not here

  /// The first field of that name; null where there is none.
  const std::string* find(std::string_view name) const;
  /// The milliseconds of the id.
  int64_t added_ms() const;
};

struct QueueAnswer {
  enum class Kind {
    kAnswer,  ///< `fields` go to the results
    kDead,    ///< `fields`, and then those of the entry, go to the dead letters
    kDrop,    ///< nothing goes anywhere
    kLeave,   ///< it stays pending, to be claimed again; `fields`: how often it counts as delivered by now
  };
  Kind kind = Kind::kAnswer;
  std::string id;                   ///< of the entry
  std::vector<std::string> fields;  ///< names and values in turn
};

struct RedisQueueOptions {
  std::string group = {};
  std::string consumer = {};  ///< this member of the group; another name in each process
  std::string results = {};   ///< stream of the answers
  std::string dead = {};      ///< stream of the dead letters
  int64_t max_results = 0;    ///< about how many entries the results keep, the newest; 0: all
  int64_t max_dead = 0;       ///< the same of the dead letters
  bool delete_done = false;   ///< an entry is deleted from the stream once it is done
  /// What is taken of an entry: its picture (`--max-bytes`) and what stands beside it. 0: as `redis` says of an answer.
  size_t max_entry_bytes = 0;
  RedisOptions redis = {};
};

/// The stream and the group at a moment.
struct QueueState {
  int64_t length = 0;   ///< entries in the stream
  int64_t waiting = 0;  ///< added and not delivered to the group yet
  int64_t pending = 0;  ///< delivered and not done
  int64_t dropped = 0;  ///< trimmed (MAXLEN) before the group could read them, as far as that can be told: see state()
  int64_t results = 0;  ///< entries in the stream of the answers
  int64_t dead = 0;     ///< entries in that of the dead letters
  std::optional<std::chrono::milliseconds> oldest_pending;  ///< the age of the oldest that is pending
};

/// Not thread-safe: one per thread. Connects, and makes the stream and the group where they are missing, with the first
/// call, and again after a connection was lost; a group that is made begins with the oldest entry. Every member throws
/// BrokerError; what was not said to be done is delivered again.
class RedisQueue {
 public:
  /// `address.key`: the stream. Touches no network. Throws Error as RedisClient.
  RedisQueue(RedisAddress address, RedisQueueOptions options);

  const RedisAddress& address() const { return redis_.address(); }
  /// Connects and makes what is missing. A key of results or dead letters that holds no stream is refused here.
  void prepare();

  /// New entries, at most `count`; waits up to `wait` where there are none. Throws ReplyTooLarge where together they
  /// have more than so many times max_entry_bytes, or 1 GiB (RedisOptions): they are pending then, to be claimed one by
  /// one.
  std::vector<QueueEntry> read(int64_t count, std::chrono::milliseconds wait);

  struct Claimed {
    std::optional<QueueEntry> entry;
    int64_t lost = 0;  ///< pending entries that had been trimmed: nobody can answer them any more
  };
  /// One entry that another member, or this one, was given longer ago than `idle` and has not done. Of one that is too
  /// large only that is known.
  Claimed claim(std::chrono::milliseconds idle);

  /// Whether each was pending, and so counts. Nothing or all of one answer happens; those before one that fails have
  /// happened, and are not pending any more.
  std::vector<bool> answer(std::span<const QueueAnswer> answers);

  /// Dead letters that were trimmed (max_dead) as answer() of this object added others, since it was last asked.
  int64_t take_dead_trimmed() { return std::exchange(dead_trimmed_, 0); }

  /// What was trimmed unread can be told while nothing that the group has read is left in the stream, or when it has
  /// read everything; at other times `dropped` is what it was then.
  QueueState state();

  /// The server's clock, in milliseconds since 1970, by that of this machine and their difference when it connected.
  int64_t server_time_ms() const;

  /// Takes this member out of its group, unless entries are pending for it or for another of its name; at once.
  void leave();

 private:
  RedisReply command(const RedisCommand& command, const RedisCall& call = {});
  void throw_error(const RedisReply& reply, const RedisCommand& command);
  size_t max_reply_bytes(int64_t entries) const;
  std::optional<QueueEntry> take_claimed(const std::string& id);
  int64_t deliveries_of(const std::string& id);

  RedisQueueOptions options_;
  RedisClient redis_;
  size_t prepared_for_ = 0;  ///< the connection that prepare() was done for
  int64_t clock_difference_ms_ = 0;
  std::string claim_cursor_ = "0-0";
  int64_t dropped_ = 0;
  int64_t dead_trimmed_ = 0;
};

}  // namespace zoo::brokers
