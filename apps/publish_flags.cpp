#include "apps/publish_flags.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/number_check.h"
#include "brokers/shown_address.h"
#include "nn/core/config_node.h"
#include "nn/core/shown_text.h"
#include "sinks/mqtt_topics.h"

namespace zoo::apps {
namespace {

constexpr const char* kMqttUserVariable = "MQTT_USER";
constexpr const char* kAnnotated = "annotated";
constexpr const char* kPlain = "plain";
constexpr const char* kHomeAssistant = "homeassistant";
constexpr const char* kProgram = "backbone-zoo";
constexpr double kMaxSeconds = 86'400.0;
constexpr int64_t kMaxEntries = 1'000'000'000;
constexpr int64_t kMaxWaiting = 1'000'000;

std::string value_of(const char* variable) {
  const char* const value = std::getenv(variable);
  return value == nullptr ? "" : value;
}

std::string default_topic() {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host = {"localhost"};
  return fmt::format("{}/{}", kProgram, sinks::topic_level(host.data()));
}

/// What differs between targets: two of the same would be told everything twice.
std::string place_of(const PublishTarget& target) {
  if (const auto* mqtt = std::get_if<brokers::MqttAddress>(&target)) {
    return fmt::format("mqtt {}:{}/{}", mqtt->host, mqtt->port, mqtt->topic);
  }
  const auto& redis = std::get<brokers::RedisAddress>(target);
  return fmt::format("redis {}:{}/{}/{}", redis.host, redis.port, redis.database, redis.key);
}

BrokerLogin login_of(const PublishTarget& target) {
  if (const auto* mqtt = std::get_if<brokers::MqttAddress>(&target)) {
    return {.place = broker_place(mqtt->host, mqtt->port),
            .shown = mqtt->server(),
            .variable = kMqttPasswordVariable,
            .password = mqtt->password,
            .takes_one = !mqtt->user.empty()};
  }
  const auto& redis = std::get<brokers::RedisAddress>(target);
  return {.place = broker_place(redis.host, redis.port),
          .shown = redis.server(),
          .variable = kRedisPasswordVariable,
          .password = redis.password};
}

}  // namespace

void PublishFlags::add_to(CLI::App& app) {
  app.add_option("--publish", addresses,
                 "Send results to this broker: mqtt://HOST[:PORT][/TOPIC] or redis://HOST[:PORT][/DATABASE][/STREAM] "
                 "(mqtts://, rediss:// for TLS), USER:PASSWORD@ before HOST; may be given several times. The password "
                 "also from --password-file, or MQTT_USER, MQTT_PASSWORD, REDIS_PASSWORD in the environment, which "
                 "nobody else sees")
      ->type_name("ADDRESS");
  frames_flag_ =
      app.add_option("--publish-frames", frames, "Publish pictures (JPEG), too: annotated (the default) or plain")
          ->type_name("KIND")
          ->expected(0, 1);
  const CLI::Option* every =
      app.add_option("--publish-frames-every", frames_every_s, "Seconds between two of a stream; 0: all")
          ->check(number_in(0.0, kMaxSeconds))
          ->capture_default_str()
          ->type_name("S");
  const CLI::Option* waiting =
      app.add_option("--publish-buffer", max_waiting,
                     "Results that wait for a broker that is away, at most; then the oldest are dropped, and counted")
          ->check(CLI::Range(int64_t{1}, kMaxWaiting))
          ->capture_default_str()
          ->type_name("N");
  const CLI::Option* quality =
      app.add_option("--mqtt-qos", qos, "Results over MQTT: 0 at most once, 1 at least once, 2 exactly once")
          ->check(CLI::Range(0, 2))
          ->capture_default_str()
          ->type_name("N");
  discovery_flag_ = app.add_option("--mqtt-discovery", discovery,
                                   "Have streams appear in Home Assistant by themselves; PREFIX where its own is not "
                                   "homeassistant")
                        ->type_name("PREFIX")
                        ->expected(0, 1);
  const CLI::Option* entries = app.add_option("--redis-maxlen", max_entries,
                                              "About how many results a stream of Redis keeps, the newest; 0: all")
                                   ->check(CLI::Range(int64_t{0}, kMaxEntries))
                                   ->capture_default_str()
                                   ->type_name("N");
  dependent_ = access.add_to(app);
  dependent_.insert(dependent_.begin(), {frames_flag_, every, waiting, quality, discovery_flag_, entries});
}

void PublishFlags::check() const {
  for (const CLI::Option* flag : dependent_) {
    if (addresses.empty() && flag->count() > 0) {
      throw UsageError(fmt::format("{} says how results are published: give --publish ADDRESS, too", flag->get_name()));
    }
  }
  const auto has = [&](bool (*is_one)(std::string_view)) { return std::ranges::any_of(addresses, is_one); };
  for (const CLI::Option* flag : dependent_) {
    if (flag->count() == 0) continue;
    if (flag->get_name().starts_with("--mqtt-") && !has(brokers::is_mqtt_address)) {
      throw UsageError(fmt::format("{} is of MQTT: give --publish mqtt://..., too", flag->get_name()));
    }
    if (flag->get_name().starts_with("--redis-") && !has(brokers::is_redis_address)) {
      throw UsageError(fmt::format("{} is of Redis: give --publish redis://..., too", flag->get_name()));
    }
  }
  if (!frames.empty() && frames != kAnnotated && frames != kPlain) {
    const std::string meant = nearest_name(frames, std::vector<std::string>{kAnnotated, kPlain});
    throw UsageError(fmt::format("--publish-frames: {} is neither {} nor {}{}", printable(frames), kAnnotated, kPlain,
                                 meant.empty() ? "" : fmt::format("; did you mean {}?", meant)));
  }
  if (discovery.find_first_of("+#") != std::string::npos || discovery.starts_with('/') || discovery.ends_with('/')) {
    throw UsageError(fmt::format("--mqtt-discovery: {} is no topic to publish to", printable(discovery)));
  }
  std::error_code error;
  if (!access.ca_file.empty() && !std::filesystem::is_regular_file(access.ca_file, error)) {
    throw IoError(fmt::format("--ca-file {}: no such file", access.ca_file));
  }
}

PublishTarget PublishFlags::target_of(const std::string& address) {
  try {
    if (brokers::is_mqtt_address(address)) {
      brokers::MqttAddress mqtt = brokers::parse_mqtt_address(address);
      if (mqtt.topic.empty()) mqtt.topic = default_topic();
      if (mqtt.user.empty()) mqtt.user = value_of(kMqttUserVariable);
      return mqtt;
    }
    if (brokers::is_redis_address(address)) {
      brokers::RedisAddress redis = brokers::parse_redis_address(address);
      if (redis.key.empty()) redis.key = kProgram;
      return redis;
    }
  } catch (const Error& error) {
    throw UsageError(fmt::format("--publish {}", error.what()));
  }
  throw UsageError(fmt::format(
      "--publish {}: is no address of a broker; write mqtt://HOST[:PORT][/TOPIC] or redis://HOST[:PORT][/STREAM], "
      "mqtts:// or rediss:// for TLS",
      brokers::shown_address(address)));
}

PublishOptions PublishFlags::options() const {
  check();
  PublishOptions options;
  std::set<std::string> places;
  for (const std::string& address : addresses) {
    options.targets.push_back(target_of(address));
    if (!places.insert(place_of(options.targets.back())).second) {
      throw UsageError(fmt::format("--publish {} is given twice", brokers::shown_address(address)));
    }
  }
  std::vector<BrokerLogin> logins;
  for (const PublishTarget& target : options.targets) logins.push_back(login_of(target));
  options.password_files = access.files(logins);
  access.fill_in(logins);
  for (size_t i = 0; i < logins.size(); ++i) {
    std::visit([&](auto& target) { target.password = logins[i].password; }, options.targets[i]);
  }
  options.qos = qos;
  options.max_entries = max_entries;
  options.max_waiting = static_cast<size_t>(max_waiting);
  if (!addresses.empty() && frames_flag_->count() > 0) {
    options.frames = {.every = std::chrono::milliseconds(std::llround(frames_every_s * 1e3)),
                      .annotated = frames != kPlain};
  }
  if (discovery_flag_->count() > 0) options.discovery = discovery.empty() ? kHomeAssistant : discovery;
  options.ca_file = access.ca_file;
  return options;
}

}  // namespace zoo::apps
