// A client of Redis: connects when it is first needed, sends commands, alone or many in one go, and connects anew after
// a connection was lost. RESP2, Redis 6.2 and later.
//
//   RedisClient redis(parse_redis_address("rediss://camera:secret@host/results"), {});
//   redis.command({"PING"});
//   redis.pipeline({{"XADD", "results", "MAXLEN", "~", "1000", "*", "json", line}, {"XACK", ...}});
//
// It never repeats a command by itself: of one whose answer did not come nobody knows whether the server has carried it
// out. After a BrokerError that is transient() the next call connects anew, at once; whoever calls in a loop waits in
// between as zoo::Backoff (nn/core/backoff.h) says.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "brokers/broker_error.h"
#include "brokers/redis_address.h"
#include "brokers/redis_reply.h"

namespace zoo::brokers {

/// A command and its arguments, any bytes: {"XADD", "results", "*", "image", jpeg}.
using RedisCommand = std::vector<std::string>;

struct RedisOptions {
  /// For finding the server's address (which the system may take longer for), connecting, TLS, and the greeting.
  std::chrono::milliseconds connect_timeout{5'000};
  /// From the first byte of the commands to the last of their answers. Commands that wait by themselves (BLOCK) say how
  /// much longer they may take.
  std::chrono::milliseconds command_timeout{10'000};
  /// Of all answers of one call, unless it says so itself; a server that sends more is not listened to further.
  size_t max_reply_bytes = size_t{1} << 30U;
  /// PEM file with the certificates of authorities to trust. Empty: the system's ($SSL_CERT_FILE, $SSL_CERT_DIR).
  std::string tls_ca_file = {};
  /// No wait goes on beyond this time, but one that begins later has a second. Asked every 100 ms, by the thread that
  /// waits. Empty: never.
  std::function<std::chrono::steady_clock::time_point()> must_end = {};
  /// CLIENT SETNAME, what `CLIENT LIST` shows; without blanks.
  std::string name = "backbone-zoo";
};

/// What is special about one call.
struct RedisCall {
  std::chrono::milliseconds waits{};  ///< how long the commands themselves may wait before they answer (BLOCK)
  size_t max_reply_bytes = 0;         ///< of all answers; 0: as RedisOptions say
};

/// Not thread-safe: one client per thread. A client that waits in a call holds no lock of anybody else.
class RedisClient {
 public:
  /// Touches no network. Throws Error where the module (redis) cannot be loaded or is not in this build.
  RedisClient(RedisAddress address, RedisOptions options);
  ~RedisClient();
  RedisClient(const RedisClient&) = delete;
  RedisClient& operator=(const RedisClient&) = delete;

  const RedisAddress& address() const { return address_; }
  bool connected() const { return connection_ != nullptr; }
  /// How many connections there have been so far.
  size_t connections() const { return connections_; }

  /// Connects unless it is connected: AUTH (with the ACL user), CLIENT SETNAME, SELECT. Throws BrokerError.
  void connect();
  /// Ends the connection, if there is one.
  void close();

  /// Sends a command and yields its answer. Throws BrokerError, also where the answer is an error.
  RedisReply command(const RedisCommand& command, const RedisCall& call = {});

  /// Sends all commands in one go, before any answer is awaited, and yields an answer for each; answers that are errors
  /// are among them (throw_error below). Throws BrokerError where the connection fails: any of the commands may have
  /// been carried out, the first ones before the later ones; ReplyTooLarge where the answers are too large, which they
  /// have been, but for nobody to see. No commands: nothing happens.
  std::vector<RedisReply> pipeline(std::span<const RedisCommand> commands, const RedisCall& call = {});
  std::vector<RedisReply> pipeline(std::initializer_list<RedisCommand> commands);

  /// Throws an answer that is an error as BrokerError: `redis://host:6379: XADD jobs: problem; way out`.
  void throw_error(const RedisReply& reply, const RedisCommand& command) const;

 private:
  void greet();

  RedisAddress address_;
  RedisOptions options_;
  std::unique_ptr<class RedisConnection> connection_;
  size_t connections_ = 0;
};

}  // namespace zoo::brokers
