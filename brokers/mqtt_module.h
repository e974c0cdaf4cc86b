// What libmosquitto does for brokers/, as the face of a module (nn/core/module.h).
#pragma once

#include <memory>

#include "brokers/mqtt_link.h"

namespace zoo::brokers {

struct MqttModule {
  std::unique_ptr<Link> (*make_link)(MqttOptions options);
};

/// Throws Error where the module cannot be loaded or is not in this build.
const MqttModule& mqtt_module();

}  // namespace zoo::brokers
