#include "apps/startup_clock.h"

#include <algorithm>
#include <ctime>
#include <fstream>
#include <sstream>
#include <string>
#include <unistd.h>

namespace zoo::apps {
namespace {

struct MainMark {
  std::chrono::steady_clock::time_point time;
  double since_boot_s = 0.0;
  double cpu_s = 0.0;
};

MainMark& main_mark() {
  static MainMark mark;
  return mark;
}

double seconds_of(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

/// Field 22 of /proc/self/stat, rounded down to a tick; negative if it cannot be read.
double process_start_since_boot_s() {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  const size_t name_end = line.rfind(')');  // the name may hold spaces
  if (name_end == std::string::npos) return -1.0;
  std::istringstream fields(line.substr(name_end + 1));
  std::string skipped;
  constexpr int kFieldsBeforeStartTime = 19;  // the first one after the name is number 3
  for (int i = 0; i < kFieldsBeforeStartTime; ++i) fields >> skipped;
  double ticks = 0.0;
  fields >> ticks;
  const long ticks_per_second = sysconf(_SC_CLK_TCK);
  if (!fields || ticks_per_second <= 0) return -1.0;
  return ticks / static_cast<double>(ticks_per_second);
}

double ms_between(std::chrono::steady_clock::time_point from, std::chrono::steady_clock::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

}  // namespace

void StartupClock::mark_main() {
  main_mark() = {std::chrono::steady_clock::now(), seconds_of(CLOCK_BOOTTIME), seconds_of(CLOCK_PROCESS_CPUTIME_ID)};
}

double StartupClock::process_start_ms() {
  const MainMark& mark = main_mark();
  const double start_s = process_start_since_boot_s();
  constexpr double kHalfTickS = 0.005;
  const double wall_s = start_s < 0.0 ? 0.0 : mark.since_boot_s - start_s - kHalfTickS;
  return std::max(wall_s, mark.cpu_s) * 1000.0;
}

StartupClock::StartupClock() : last_(main_mark().time) {}

void StartupClock::lap(const std::string& name) {
  const auto now = std::chrono::steady_clock::now();
  part(name) += ms_between(last_, now);
  last_ = now;
}

void StartupClock::move(const std::string& from, const std::string& to, double ms) {
  const double moved = std::min(ms, part(from));
  part(from) -= moved;
  part(to) += moved;
}

std::vector<std::pair<std::string, double>> StartupClock::parts() const {
  std::vector<std::pair<std::string, double>> result = {{"process_start", process_start_ms()}};
  result.insert(result.end(), laps_.begin(), laps_.end());
  double total = 0.0;
  for (const auto& [name, ms] : result) total += ms;
  result.emplace_back("total", total);
  return result;
}

double& StartupClock::part(const std::string& name) {
  const auto found = std::ranges::find(laps_, name, &std::pair<std::string, double>::first);
  return found != laps_.end() ? found->second : laps_.emplace_back(name, 0.0).second;
}

}  // namespace zoo::apps
