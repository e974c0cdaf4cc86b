#include "sinks/mqtt_discovery.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace zoo::sinks {
namespace {

using Json = nlohmann::ordered_json;

/// One entity of a stream's device. `entity`: differs within the device.
DiscoveryMessage message_of(const MqttTopics& topics, const DiscoveryOptions& options, std::string_view stream,
                            std::string_view component, std::string_view entity, const Json& config) {
  const std::string node = discovery_name(topics.prefix());
  const std::string device = fmt::format("{}_{}", node, discovery_name(stream));
  const std::string object = fmt::format("{}_{}", discovery_name(stream), discovery_name(entity));
  Json all = config;
  all["unique_id"] = fmt::format("{}_{}", node, object);
  all["availability_topic"] = topics.available();
  all["device"] = {{"identifiers", {device}},
                   {"name", std::string(stream)},
                   {"manufacturer", "backbone-zoo"},
                   {"model", options.model_name},
                   {"sw_version", options.version}};
  all["origin"] = {{"name", "backbone-zoo"}, {"sw_version", options.version}};
  return {fmt::format("{}/{}/{}/{}/config", options.prefix, component, node, object),
          all.dump(-1, ' ', false, Json::error_handler_t::replace)};
}

}  // namespace

std::vector<DiscoveryMessage> stream_discovery(const MqttTopics& topics, const DiscoveryOptions& options,
                                               std::string_view stream) {
  const std::string state = topics.state(stream);
  std::vector<DiscoveryMessage> all;
  const auto add = [&](std::string_view component, std::string_view entity, const Json& config) {
    all.push_back(message_of(topics, options, stream, component, entity, config));
  };
  add("sensor", "answer", {{"name", "answer"}, {"state_topic", topics.answer(stream)}, {"icon", "mdi:eye"}});
  add("sensor", "state",
      {{"name", "state"},
       {"state_topic", state},
       {"value_template", "{{ value_json.state }}"},
       {"json_attributes_topic", state},
       {"device_class", "enum"},
       {"options", {"opening", "running", "stalled", "waiting", "ended", "failed"}},
       {"entity_category", "diagnostic"}});
  add("sensor", "answered_fps",
      {{"name", "answered frames"},
       {"state_topic", state},
       {"value_template", "{{ value_json.fps.answered }}"},
       {"unit_of_measurement", "fps"},
       {"state_class", "measurement"},
       {"entity_category", "diagnostic"}});
  if (options.frames) add("camera", "frame", {{"name", "frame"}, {"topic", topics.frame(stream)}});
  return all;
}

DiscoveryMessage label_discovery(const MqttTopics& topics, const DiscoveryOptions& options, std::string_view stream,
                                 std::string_view label, bool is_sum) {
  return message_of(topics, options, stream, "sensor", is_sum ? "all_objects" : fmt::format("count_{}", label),
                    {{"name", is_sum ? "all objects" : std::string(label)},
                     {"state_topic", is_sum ? topics.all(stream) : topics.label(stream, label)},
                     {"unit_of_measurement", "objects"},
                     {"state_class", "measurement"}});
}

}  // namespace zoo::sinks
