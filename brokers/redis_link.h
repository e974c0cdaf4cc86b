// A connection to Redis for a Publisher: each message becomes an entry of a stream (XADD).
#pragma once

#include <memory>

#include "brokers/link.h"
#include "brokers/redis_address.h"
#include "brokers/redis_client.h"

namespace zoo::brokers {

/// Message::place is the key of the stream; a message with the `max_length` of at least 1 trims it to about so many
/// entries, exactly so many below a hundred. Touches no network. Throws Error as RedisClient. A call that waits for a
/// server that hangs takes as long as the timeouts of `options` say, whatever Wakeup::deadline() is.
std::unique_ptr<Link> make_redis_link(RedisAddress address, RedisOptions options);

}  // namespace zoo::brokers
