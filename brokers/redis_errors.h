// What Redis' errors mean and what helps. Internal to brokers/.
#pragma once

#include <string>
#include <string_view>

#include "brokers/redis_reply.h"

namespace zoo::brokers {

struct RedisAdvice {
  std::string way_out;     ///< may be empty: the server's own words are enough
  bool transient = false;  ///< see BrokerError
};

RedisAdvice advice_for(const RedisReply& error);

}  // namespace zoo::brokers
