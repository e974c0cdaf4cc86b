// What hiredis and OpenSSL do for brokers/, as the face of a module (nn/core/module.h).
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "brokers/redis_client.h"

namespace zoo::brokers {

/// One connection, from its making to its end. One thread at a time. After anything that it throws it is of no use.
class RedisConnection {
 public:
  virtual ~RedisConnection() = default;
  /// Sends the commands in one go and yields their answers in order. Throws BrokerError, ReplyTooLarge.
  virtual std::vector<RedisReply> exchange(std::span<const RedisCommand> commands, std::chrono::milliseconds timeout,
                                           size_t max_reply_bytes) = 0;
};

struct RedisModule {
  /// Connects (TLS included); says nothing to the server yet. Throws BrokerError.
  std::unique_ptr<RedisConnection> (*connect)(const RedisAddress& address, const RedisOptions& options);
};

/// Throws Error where the module cannot be loaded or is not in this build.
const RedisModule& redis_module();

}  // namespace zoo::brokers
