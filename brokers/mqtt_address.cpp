#include "brokers/mqtt_address.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "brokers/server_address.h"
#include "nn/core/shown_text.h"
#include "nn/core/utf8.h"

namespace zoo::brokers {
namespace {

constexpr AddressKind kMqtt = {
    .broker = "an MQTT broker",
    .plain = "mqtt://",
    .tls = "mqtts://",
    .plain_port = 1883,
    .tls_port = 8883,
    .form =
        "mqtt://HOST[:PORT][/TOPIC] (mqtts:// for TLS), where the broker asks for them with USER:PASSWORD@ before "
        "HOST",
    .query_hint = ""};
/// A topic has at most 65,535 bytes; stream and label come behind this.
constexpr size_t kMaxTopic = 1024;

void check_topic(std::string_view topic, std::string_view shown) {
  const auto refuse = [&](std::string_view problem) { refuse_address(shown, problem, kMqtt.form); };
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
  return fmt::format("{}{}", tls ? kMqtt.tls : kMqtt.plain, shown_server(user, !password.empty(), host, port));
}

bool is_mqtt_address(std::string_view text) { return is_address_of(kMqtt, text); }

MqttAddress parse_mqtt_address(std::string_view text) {
  BrokerAddress parsed = parse_broker_address(kMqtt, text);
  if (parsed.path.ends_with('/')) parsed.path.pop_back();
  std::string topic = percent_decoded(parsed.path, "topic", parsed.shown, kMqtt.form);
  check_topic(topic, parsed.shown);
  return {.tls = parsed.tls,
          .host = std::move(parsed.host),
          .port = parsed.port,
          .user = std::move(parsed.user),
          .password = std::move(parsed.password),
          .topic = std::move(topic)};
}

}  // namespace zoo::brokers
