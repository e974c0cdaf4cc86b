// The flags that say how brokers let a command in, and whose password goes where.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace zoo::apps {

/// The password of Redis where neither an address nor a file gives it: nobody else sees it there.
inline constexpr const char* kRedisPasswordVariable = "REDIS_PASSWORD";
inline constexpr const char* kMqttPasswordVariable = "MQTT_PASSWORD";

/// A broker whose password is wanted.
struct BrokerLogin {
  std::string place;               ///< HOST:PORT, see broker_place
  std::string shown;               ///< for messages
  const char* variable = nullptr;  ///< of the environment
  std::string password = {};       ///< that of the address; empty: it has none
  bool takes_one = true;           ///< a broker that is told no user's name takes no password
};

/// "broker:1883", IPv6 in brackets.
std::string broker_place(const std::string& host, int port);

/// `--password-file`, `--ca-file`.
struct BrokerFlags {
  std::vector<std::string> password_files;  ///< FILE or HOST:PORT=FILE
  std::string ca_file;

  std::vector<const CLI::Option*> add_to(CLI::App& app);

  /// The files of `--password-file`. `logins`: by whose places FILE is told from HOST:PORT=FILE.
  std::vector<std::string> files(std::span<const BrokerLogin> logins) const;
  /// Gives each its password: that of its address, else of its file, else of its variable; none is sent to two servers,
  /// unless somebody has said so for each of them. Throws UsageError, with what to write, where it is not clear whose a
  /// password is, and IoError for a file.
  void fill_in(std::span<BrokerLogin> logins) const;
};

}  // namespace zoo::apps
