// A connection to an MQTT broker (3.1.1) for a Publisher.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "brokers/link.h"
#include "brokers/message.h"
#include "brokers/mqtt_address.h"

namespace zoo::brokers {

struct MqttOptions {
  MqttAddress address;
  std::string client_id;  ///< of this connection alone: who connects with the same one ends it
  /// What the broker publishes when the connection ends without close().
  std::optional<Message> will = std::nullopt;
  /// PEM file with the certificates of authorities to trust. Empty: the system's.
  std::string tls_ca_file = {};
  std::chrono::milliseconds connect_timeout{2'000};  ///< of each of the name's addresses
  std::chrono::milliseconds answer_timeout{5'000};   ///< of TLS and of the broker's greeting
  std::chrono::milliseconds ack_timeout{30'000};     ///< without any, while messages are on their way
  std::chrono::seconds keepalive{15};                ///< the broker hears of us this often, and we of it: 5 at least
};

/// Touches no network. Throws Error where the module (mqtt) cannot be loaded or is not in this build.
std::unique_ptr<Link> make_mqtt_link(MqttOptions options);

/// "backbone-zoo-" and ten random digits: every broker takes names of 23 letters.
std::string new_client_id();

}  // namespace zoo::brokers
