// `live --publish`: results to brokers, and to those of MQTT what else there is to know of the streams.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "apps/publish_flags.h"
#include "sinks/mqtt_sink.h"
#include "streams/account.h"

namespace zoo::apps {

class LivePublish {
 public:
  /// `model_name`: for Home Assistant.
  LivePublish(PublishOptions options, std::string model_name)
      : options_(std::move(options)), model_name_(std::move(model_name)) {}

  /// What the sinks ask of the run, from their threads.
  struct Questions {
    std::function<std::string(size_t)> name_of;  ///< see LiveJson
    std::function<bool(size_t)> waits;           ///< whether a stream's source waits so that nothing is lost
    std::function<bool()> may_wait;              ///< see brokers::PublisherOptions
  };

  /// Makes the sinks, which begin to connect, and says where they publish. Throws Error where a module is not in this
  /// build.
  void add_sinks(std::vector<std::unique_ptr<pipeline::ResultSink>>& sinks, const Questions& questions);

  /// Tells what has changed since the last call: states and causes, streams that are gone. All states, counters
  /// included, if `all`.
  void tell_streams(std::span<const streams::StreamSnapshot> streams, bool all);
  /// One object of JSON (streams/streams_json.h). Thread-safe, as the next.
  void tell_counts(const std::string& json) const;
  void tell_model(const std::string& json) const;

 private:
  const PublishOptions options_;
  const std::string model_name_;
  std::vector<sinks::MqttSink*> mqtt_;         ///< of the streams that they were given to
  std::map<std::string, std::string> states_;  ///< what was told last, by stream
};

/// "mqtt://host:1883: 1500 results delivered, 20 dropped": of a sink that sends.
std::string delivery_text(const streams::SinkSnapshot& sink);

/// At the end: that results were lost, and the way out; empty where none were. `max_waiting`: see PublishOptions.
std::string loss_text(const streams::SinkSnapshot& sink, size_t max_waiting);

}  // namespace zoo::apps
