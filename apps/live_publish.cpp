#include "apps/live_publish.h"

#include <set>
#include <utility>

#include <fmt/format.h>

#include "apps/output.h"
#include "nn/core/counted.h"
#include "sinks/redis_sink.h"
#include "streams/streams_json.h"

namespace zoo::apps {

void LivePublish::add_sinks(std::vector<std::unique_ptr<pipeline::ResultSink>>& sinks, const Questions& questions) {
  for (const PublishTarget& target : options_.targets) {
    brokers::PublisherOptions publisher;
    publisher.max_messages = options_.max_waiting;
    publisher.seed = sinks.size();
    publisher.on_message = [](const std::string& message) { report(message); };
    publisher.may_wait = questions.may_wait;
    if (const auto* mqtt = std::get_if<brokers::MqttAddress>(&target)) {
      sinks::MqttSinkOptions options{.address = *mqtt,
                                     .qos = options_.qos,
                                     .tls_ca_file = options_.ca_file,
                                     .frames = options_.frames,
                                     .publisher = std::move(publisher),
                                     .name_of = questions.name_of,
                                     .waits = questions.waits};
      if (!options_.discovery.empty()) {
        options.discovery = sinks::DiscoveryOptions{.prefix = options_.discovery,
                                                    .model_name = model_name_,
                                                    .version = ZOO_VERSION,
                                                    .frames = options_.frames.has_value()};
      }
      auto sink = std::make_unique<sinks::MqttSink>(options);
      report(fmt::format("publishing to {}, topics {}/...", mqtt->server(), mqtt->topic));
      mqtt_.push_back(sink.get());
      sinks.push_back(std::move(sink));
    } else {
      const auto& redis = std::get<brokers::RedisAddress>(target);
      sinks.push_back(std::make_unique<sinks::RedisSink>(sinks::RedisSinkOptions{.address = redis,
                                                                                 .max_results = options_.max_entries,
                                                                                 .tls_ca_file = options_.ca_file,
                                                                                 .frames = options_.frames,
                                                                                 .publisher = std::move(publisher),
                                                                                 .name_of = questions.name_of,
                                                                                 .waits = questions.waits}));
      report(fmt::format("publishing to {}, stream {}", redis.server(), redis.key));
    }
  }
}

void LivePublish::tell_streams(std::span<const streams::StreamSnapshot> streams, bool all) {
  if (mqtt_.empty()) return;
  std::set<std::string> there;
  for (const streams::StreamSnapshot& stream : streams) {
    there.insert(stream.name);
    std::string now = fmt::format("{} {} {} {}", stream.stream, to_string(stream.state), stream.epoch, stream.message);
    std::string& before = states_[stream.name];
    if (!all && now == before) continue;
    before = std::move(now);
    const std::string json = streams::stream_json(stream);
    for (sinks::MqttSink* sink : mqtt_) sink->tell_state(stream.name, json);
  }
  std::erase_if(states_, [&](const auto& state) {
    if (there.contains(state.first)) return false;
    for (sinks::MqttSink* sink : mqtt_) sink->forget(state.first);
    return true;
  });
}

void LivePublish::tell_counts(const std::string& json) const {
  for (sinks::MqttSink* sink : mqtt_) sink->tell_counts(json);
}

void LivePublish::tell_model(const std::string& json) const {
  for (sinks::MqttSink* sink : mqtt_) sink->tell_model(json);
}

std::string delivery_text(const streams::SinkSnapshot& sink) {
  const pipeline::Delivery& delivery = *sink.delivery;
  std::string text = fmt::format("{}: {} delivered", sink.name, counted(delivery.delivered, "result"));
  const int64_t dropped = delivery.dropped + sink.dropped;
  if (delivery.waiting > 0) text += fmt::format(", {} waiting", delivery.waiting);
  if (dropped > 0) text += fmt::format(", {} dropped", dropped);
  return text;
}

std::string loss_text(const streams::SinkSnapshot& sink, size_t max_waiting) {
  if (!sink.delivery || !streams::lost_results(*sink.delivery)) return {};
  const pipeline::Delivery& delivery = *sink.delivery;
  const std::string why = delivery.message.empty() ? "" : fmt::format(" ({})", delivery.message);
  if (delivery.delivered == 0) {
    return fmt::format(
        "{}: no result has reached it{}: see that a broker runs at that address and lets this user write, then publish "
        "again",
        sink.name, why);
  }
  return fmt::format(
      "{}: {} of files {} lost{}: publish again; where the broker may be away for longer, with a --publish-buffer "
      "above "
      "{}",
      sink.name, counted(delivery.lost, "result"), delivery.lost == 1 ? "is" : "are", why, max_waiting);
}

}  // namespace zoo::apps
