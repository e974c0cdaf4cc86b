// What Home Assistant is told so that streams appear in it by themselves (its MQTT discovery).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sinks/mqtt_topics.h"

namespace zoo::sinks {

struct DiscoveryOptions {
  std::string prefix = "homeassistant";  ///< as Home Assistant's own is set
  std::string model_name = {};           ///< of the network, for the device
  std::string version = {};              ///< of the program
  bool frames = false;                   ///< pictures are published, too
};

struct DiscoveryMessage {
  std::string topic;
  std::string payload;  ///< JSON
};

/// Of a stream, which is a device: sensors of its answer, its state, its answered frames per second, and the camera of
/// its pictures. All are unavailable while PREFIX/available is not `online`.
std::vector<DiscoveryMessage> stream_discovery(const MqttTopics& topics, const DiscoveryOptions& options,
                                               std::string_view stream);

/// The sensor that counts the objects of a label, of the same device. Label `all`, with `is_sum`: all objects.
DiscoveryMessage label_discovery(const MqttTopics& topics, const DiscoveryOptions& options, std::string_view stream,
                                 std::string_view label, bool is_sum = false);

}  // namespace zoo::sinks
