#include "apps/timeout_flags.h"

#include <algorithm>
#include <cmath>

#include "apps/number_check.h"

namespace zoo::apps {
namespace {

constexpr double kMaxSeconds = 86'400.0;

void add_seconds(CLI::App& app, const std::string& flag, double& seconds, const std::string& meaning) {
  app.add_option(flag, seconds, meaning)->check(number_in(0.001, kMaxSeconds))->capture_default_str()->type_name("S");
}

std::chrono::milliseconds whole_ms(double seconds) {
  return std::chrono::milliseconds(std::llround(std::max(seconds * 1000.0, 1.0)));
}

}  // namespace

void TimeoutFlags::add_to(CLI::App& app, const std::string& open_meaning, const std::string& stall_meaning) {
  add_seconds(app, "--open-timeout", open_s_, open_meaning);
  add_seconds(app, "--stall-timeout", stall_s_, stall_meaning);
}

std::chrono::milliseconds TimeoutFlags::open() const { return whole_ms(open_s_); }
std::chrono::milliseconds TimeoutFlags::stall() const { return whole_ms(stall_s_); }

}  // namespace zoo::apps
