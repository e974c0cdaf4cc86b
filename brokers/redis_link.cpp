#include "brokers/redis_link.h"

#include <poll.h>
#include <string>
#include <utility>
#include <vector>

namespace zoo::brokers {
namespace {

/// Below this trimming is exact: Redis trims whole nodes, of a hundred entries, where it may choose (~).
constexpr int64_t kExactBelow = 100;

RedisCommand entry_of(const Message& message) {
  RedisCommand command = {"XADD", message.place};
  if (message.max_length > 0) {
    command.insert(command.end(),
                   {"MAXLEN", message.max_length < kExactBelow ? "=" : "~", std::to_string(message.max_length)});
  }
  command.push_back("*");
  for (const Field& field : message.fields) command.insert(command.end(), {field.name, field.value});
  return command;
}

class RedisLink final : public Link {
 public:
  RedisLink(RedisAddress address, RedisOptions options)
      : name_(address.server()), redis_(std::move(address), std::move(options)) {}

  std::string name() const override { return name_; }

  void connect(const Wakeup& /*wakeup*/) override { redis_.connect(); }

  void deliver(std::span<const Message> messages, const Wakeup& /*wakeup*/, size_t& delivered) override {
    std::vector<RedisCommand> commands;
    for (const Message& message : messages) commands.push_back(entry_of(message));
    const std::vector<RedisReply> replies = redis_.pipeline(commands);
    for (; delivered < replies.size(); ++delivered) {
      if (replies[delivered].is_error()) redis_.throw_error(replies[delivered], commands[delivered]);
    }
  }

  void idle(std::chrono::milliseconds time, const Wakeup& wakeup) override {
    pollfd polled{.fd = wakeup.descriptor(), .events = POLLIN, .revents = 0};
    if (::poll(&polled, 1, static_cast<int>(time.count())) == 0) redis_.command({"PING"});
  }

  void close() override { redis_.close(); }

 private:
  const std::string name_;
  RedisClient redis_;
};

}  // namespace

std::unique_ptr<Link> make_redis_link(RedisAddress address, RedisOptions options) {
  return std::make_unique<RedisLink>(std::move(address), std::move(options));
}

}  // namespace zoo::brokers
