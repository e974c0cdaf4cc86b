#include "brokers/mqtt_link.h"

#include <random>
#include <utility>

#include <fmt/format.h>

#include "brokers/mqtt_module.h"

namespace zoo::brokers {

std::unique_ptr<Link> make_mqtt_link(MqttOptions options) { return mqtt_module().make_link(std::move(options)); }

std::string new_client_id() {
  std::random_device random;
  return fmt::format("backbone-zoo-{:08x}{:02x}", random(), random() % 256);
}

}  // namespace zoo::brokers
