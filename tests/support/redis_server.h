// A Redis server of a test's own (Debian's redis-server), on 127.0.0.1 and a free port, in a folder of its own; it ends
// with the object or the test.
#pragma once

#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>

#include "tests/support/temp_folder.h"

namespace zoo::test {

/// A port that nobody listens on now.
int free_port();

class RedisServer {
 public:
  /// `settings`: further lines of its configuration, "requirepass secret". Every write is on the disk before it is
  /// answered (appendfsync always), so that kill() loses nothing that a client was told. Throws std::runtime_error
  /// where it does not answer.
  explicit RedisServer(std::vector<std::string> settings = {}, bool tls = false);
  ~RedisServer();
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  int port() const { return port_; }
  /// "redis://127.0.0.1:PORT/KEY", with TLS "rediss://localhost:PORT/KEY".
  std::string url(const std::string& key = "", const std::string& user_info = "") const;
  /// PEM file of the authority that has signed its certificate (TLS).
  std::string ca_file() const { return folder_ / "ca.crt"; }

  /// SIGKILL; what was written stays.
  void kill();
  /// SIGSTOP and SIGCONT: a server that hangs.
  void pause();
  void go_on();
  /// Starts it anew on the same port after kill(), with what it had.
  void start();

 private:
  void make_certificates() const;
  bool answers() const;

  TempFolder folder_;
  bool tls_;
  int port_;
  pid_t pid_ = -1;
};

}  // namespace zoo::test
