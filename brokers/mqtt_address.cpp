#include "brokers/mqtt_address.h"

#include <algorithm>

#include <fmt/format.h>

#include "brokers/server_address.h"
#include "nn/core/shown_text.h"
#include "nn/core/utf8.h"

namespace zoo::brokers {
namespace {

constexpr std::string_view kPlain = "mqtt://";
constexpr std::string_view kTls = "mqtts://";
constexpr std::string_view kForm =
    "mqtt://HOST[:PORT][/TOPIC] (mqtts:// for TLS), where the broker asks for them with USER:PASSWORD@ before HOST";
constexpr uint16_t kPlainPort = 1883;
constexpr uint16_t kTlsPort = 8883;
/// A topic has at most 65,535 bytes; stream and label come behind this.
constexpr size_t kMaxTopic = 1024;

void check_topic(std::string_view topic, std::string_view shown) {
  const auto refuse = [&](std::string_view problem) { refuse_address(shown, problem, kForm); };
  if (topic.find_first_of("+#") != std::string_view::npos) refuse("a topic to publish to has neither + nor #");
  if (topic.starts_with('$')) refuse("topics that begin with $ are the broker's own");
  if (topic.ends_with('/') || topic.find("//") != std::string_view::npos || topic.starts_with('/')) {
    refuse("a level of the topic is empty (a slash too many?)");
  }
  const bool has_control = std::ranges::any_of(topic, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (has_control || !is_utf8(topic)) refuse("the topic holds a control character or is not UTF-8");
  if (topic.size() > kMaxTopic) refuse(fmt::format("the topic is longer than {} bytes", kMaxTopic));
}

}  // namespace

std::string MqttAddress::server() const {
  return fmt::format("{}{}", tls ? kTls : kPlain, shown_server(user, !password.empty(), host, port));
}

bool is_mqtt_address(std::string_view text) { return has_scheme(text, kPlain) || has_scheme(text, kTls); }

MqttAddress parse_mqtt_address(std::string_view text) {
  const std::string shown = without_secrets(text);
  if (!is_mqtt_address(text)) refuse_address(shown, "is no address of an MQTT broker", kForm);
  MqttAddress address;
  address.tls = has_scheme(text, kTls);
  text.remove_prefix((address.tls ? kTls : kPlain).size());
  ServerAddress server = parse_server_address(text, shown, kForm);
  if (server.path.find_first_of("?#") != std::string::npos || server.host.find_first_of("?#") != std::string::npos) {
    refuse_address(shown, "an address of an MQTT broker has neither ? nor #", kForm);
  }
  if (server.path.ends_with('/')) server.path.pop_back();
  address.topic = percent_decoded(server.path, "topic", shown, kForm);
  check_topic(address.topic, shown);
  address.host = std::move(server.host);
  address.user = std::move(server.user);
  address.password = std::move(server.password);
  address.port = server.port.value_or(address.tls ? kTlsPort : kPlainPort);
  return address;
}

}  // namespace zoo::brokers
