// Addresses of MQTT brokers: mqtt://[[USER][:PASSWORD]@]HOST[:PORT][/TOPIC], mqtts:// for TLS.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace zoo::brokers {

struct MqttAddress {
  bool tls = false;
  std::string host;  ///< a name or an IP address, IPv6 without its brackets
  uint16_t port = 1883;
  std::string user;      ///< empty: none is sent
  std::string password;  ///< likewise
  std::string topic;     ///< what all topics begin with, without a slash at its end; may be empty

  /// `mqtt://user:***@host:1883`: what messages and logs name.
  std::string server() const;
};

/// Whether the text begins as such an address does (`mqtt://`, `mqtts://`, in any case).
bool is_mqtt_address(std::string_view text);

/// Reads an address. User, password and topic are percent-decoded. The port is 1883, with TLS 8883, where it names
/// none. Throws Error, which says what is wrong and how it is written: also for a topic with `+`, `#`, an empty level,
/// a control character or a `$` in front, which nobody may publish to.
MqttAddress parse_mqtt_address(std::string_view text);

}  // namespace zoo::brokers
