// What Redis answers to the commands of streams, read. Internal to brokers/.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "brokers/redis_queue.h"

namespace zoo::brokers {

/// [[id, [name, value, ...]], ...]; entries that were deleted meanwhile (nil) are left out. Throws BrokerError.
std::vector<QueueEntry> entries_from(const RedisReply& reply);

/// An id's two numbers; 0 and 0 for what is none.
std::pair<uint64_t, uint64_t> id_numbers(std::string_view id);

/// What XINFO STREAM and the group's part of XINFO GROUPS say.
struct StreamFigures {
  int64_t length = 0;
  int64_t added = 0;            ///< ever
  std::optional<int64_t> read;  ///< delivered to the group ever; Redis loses count where entries were deleted
  std::string first;            ///< the oldest entry's id; empty where there is none
  std::string last;             ///< the newest entry's id, of those that are there; empty where there is none
  std::string last_added;       ///< id; the entry may be gone
  std::string last_read;        ///< id
  int64_t pending = 0;
};
/// Throws BrokerError; also where the group is missing.
StreamFigures stream_figures(const RedisReply& stream, const RedisReply& groups, const std::string& group);

/// Entries that were trimmed before the group read them; `before`: what was known, where these figures cannot tell.
int64_t dropped_of(const StreamFigures& figures, int64_t before);

/// Entries that were not delivered to the group yet; at most so many, and one at least, where Redis has lost count.
/// None where all that are there were delivered: those that were deleted nobody reads.
int64_t waiting_of(const StreamFigures& figures, int64_t dropped);

}  // namespace zoo::brokers
