// The flags that say where `live` publishes its results, and what else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <CLI/CLI.hpp>

#include "apps/broker_flags.h"
#include "brokers/mqtt_address.h"
#include "brokers/redis_address.h"
#include "sinks/frame_pictures.h"

namespace zoo::apps {

using PublishTarget = std::variant<brokers::MqttAddress, brokers::RedisAddress>;

struct PublishOptions {
  std::vector<PublishTarget> targets;  ///< with topic or key, user and password
  int qos = 1;                         ///< of results over MQTT
  int64_t max_entries = 0;             ///< in a stream of Redis; 0: all
  size_t max_waiting = 1000;           ///< results, of each broker that is away
  std::optional<sinks::FramePictureOptions> frames;
  std::string discovery;  ///< Home Assistant's prefix; empty: it is told nothing
  std::string ca_file;
  std::vector<std::string> password_files;  ///< that were read
};

struct PublishFlags {
  std::vector<std::string> addresses;
  std::string frames;
  double frames_every_s = 1.0;
  int qos = 1;
  int64_t max_entries = 100'000;
  int64_t max_waiting = 1'000;
  std::string discovery;
  BrokerFlags access;

  void add_to(CLI::App& app);
  /// Throws UsageError, and IoError for files.
  PublishOptions options() const;

 private:
  void check() const;
  /// With the password of its address only.
  static PublishTarget target_of(const std::string& address);

  const CLI::Option* frames_flag_ = nullptr;
  const CLI::Option* discovery_flag_ = nullptr;
  std::vector<const CLI::Option*> dependent_;  ///< flags that say something of --publish
};

}  // namespace zoo::apps
