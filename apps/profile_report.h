// What `profile` prints.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "nn/engine/profile.h"

namespace zoo::apps {

enum class StepOrder { kExecution, kTime };

/// A profile and what it is of.
struct ProfileReport {
  std::string model;
  std::string precision;
  Shape input;
  int threads = 1;
  engine::Roofline roofline;
  engine::Profile profile;
};

/// A table of the steps in this order, one of the operations, the totals and the machine's limits.
std::string to_text(const ProfileReport& report, StepOrder order);
nlohmann::ordered_json to_json(const ProfileReport& report, StepOrder order);

}  // namespace zoo::apps
