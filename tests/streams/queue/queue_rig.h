// A server with a queue, and workers on it.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "brokers/redis_client.h"
#include "brokers/redis_queue_replies.h"
#include "streams/queue/queue_worker.h"
#include "tests/streams/queue/queue_parts.h"
#include "tests/support/comes_true.h"
#include "tests/support/redis_server.h"

namespace zoo::streams {

class QueueRig {
 public:
  test::RedisServer server;
  brokers::RedisClient redis{brokers::parse_redis_address(server.url()), {}};

  QueueWorkerOptions options(const std::string& name) const {
    QueueWorkerOptions result;
    result.address = brokers::parse_redis_address(server.url("jobs"));
    result.queue.group = "g";
    result.queue.consumer = name;
    result.queue.results = "out";
    result.queue.dead = "dead";
    result.claim_after = std::chrono::milliseconds(50);
    return result;
  }
  std::string add(const std::string& key, const std::string& image) {
    return redis.command({"XADD", "jobs", "*", "key", key, "image", image}).as_text();
  }
  /// The answers of each key, in their order.
  std::map<std::string, std::vector<std::string>> answers(const std::string& stream = "out") {
    std::map<std::string, std::vector<std::string>> result;
    for (const auto& entry : brokers::entries_from(redis.command({"XRANGE", stream, "-", "+"}))) {
      const std::string* json = entry.find("json");
      result[*entry.find("key")].push_back(json != nullptr ? *json : *entry.find("dead-reason"));
    }
    return result;
  }
  int64_t pending() { return redis.command({"XPENDING", "jobs", "g"}).at(0).as_integer(); }
  /// Delivers everything that waits to somebody who does nothing about it.
  void deliver_to(const std::string& name) {
    redis.command({"XREADGROUP", "GROUP", "g", name, "COUNT", "1000", "STREAMS", "jobs", ">"});
  }
  void make_group() { redis.command({"XGROUP", "CREATE", "jobs", "g", "0", "MKSTREAM"}); }
};

using test::comes_true;

}  // namespace zoo::streams
