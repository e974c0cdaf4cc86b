#include "brokers/redis_client.h"

#include <utility>

#include <fmt/format.h>

#include "brokers/redis_errors.h"
#include "brokers/redis_module.h"
#include "nn/core/shown_text.h"

namespace zoo::brokers {
namespace {

/// "XADD jobs": never an argument that may be a password or a picture.
std::string shown_command(const RedisCommand& command) {
  if (command.empty()) return "an empty command";
  const bool has_key = command.size() > 1 && command.front().starts_with('X') && command[1].size() <= 200 &&
                       command.front() != "XGROUP" && command.front() != "XINFO" && command.front() != "XREADGROUP";
  return has_key ? fmt::format("{} {}", command.front(), printable(command[1])) : command.front();
}

}  // namespace

RedisClient::RedisClient(RedisAddress address, RedisOptions options)
    : address_(std::move(address)), options_(std::move(options)) {
  redis_module();
}

RedisClient::~RedisClient() = default;

void RedisClient::connect() {
  if (connection_) return;
  connection_ = redis_module().connect(address_, options_);
  try {
    greet();
  } catch (...) {
    connection_.reset();
    throw;
  }
  ++connections_;
}

void RedisClient::greet() {
  std::vector<RedisCommand> commands;
  if (!address_.password.empty() || !address_.user.empty()) {
    commands.push_back({"AUTH"});
    if (!address_.user.empty()) commands.back().push_back(address_.user);
    commands.back().push_back(address_.password);
  }
  commands.push_back({"CLIENT", "SETNAME", options_.name});
  if (address_.database != 0) commands.push_back({"SELECT", std::to_string(address_.database)});
  // An answer also where nothing above is forbidden to a user without rights: NOAUTH, LOADING.
  commands.push_back({"PING"});
  const std::vector<RedisReply> replies =
      connection_->exchange(commands, options_.connect_timeout, options_.max_reply_bytes);
  for (size_t i = 0; i < commands.size(); ++i) {
    // Its name is a courtesy, which an ACL may forbid; so may it PING.
    const bool refused = replies[i].error_code() == "NOPERM" && commands[i].front() != "SELECT";
    if (!refused) throw_error(replies[i], commands[i]);
  }
}

void RedisClient::close() { connection_.reset(); }

RedisReply RedisClient::command(const RedisCommand& command, const RedisCall& call) {
  std::vector<RedisReply> replies = pipeline(std::span(&command, 1), call);
  throw_error(replies.front(), command);
  return std::move(replies.front());
}

std::vector<RedisReply> RedisClient::pipeline(std::span<const RedisCommand> commands, const RedisCall& call) {
  if (commands.empty()) return {};
  connect();
  try {
    return connection_->exchange(commands, options_.command_timeout + call.waits,
                                 call.max_reply_bytes > 0 ? call.max_reply_bytes : options_.max_reply_bytes);
  } catch (...) {
    connection_.reset();
    throw;
  }
}

std::vector<RedisReply> RedisClient::pipeline(std::initializer_list<RedisCommand> commands) {
  return pipeline(std::span(commands.begin(), commands.size()));
}

void RedisClient::throw_error(const RedisReply& reply, const RedisCommand& command) const {
  if (!reply.is_error()) return;
  const RedisAdvice advice = advice_for(reply);
  throw BrokerError(
      fmt::format("{}: {}: {}{}{}", address_.server(), shown_command(command), shortened(reply.error_message(), 300),
                  advice.way_out.empty() ? "" : "; ", advice.way_out),
      advice.transient);
}

}  // namespace zoo::brokers
