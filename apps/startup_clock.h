// How long it takes from the start of the process to the first result, in parts.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace zoo::apps {

/// Collects the parts of start-up in order.
class StartupClock {
 public:
  /// To be called first in main.
  static void mark_main();

  /// Milliseconds between the creation of the process and mark_main(): mapping and linking the shared libraries. From
  /// /proc/self/stat, which counts in ticks of 10 ms: exact to 5 ms, and never less than the CPU time used by then.
  static double process_start_ms();

  /// Begins with mark_main(); what passes until the first lap is part of that lap.
  StartupClock();

  /// Ends a part. Laps of one name add up.
  void lap(const std::string& name);
  /// Moves time from the part `from` to the part `to`, where it was measured elsewhere.
  void move(const std::string& from, const std::string& to, double ms);

  /// Name and milliseconds, process start first, total last.
  std::vector<std::pair<std::string, double>> parts() const;

 private:
  double& part(const std::string& name);

  std::chrono::steady_clock::time_point last_;
  std::vector<std::pair<std::string, double>> laps_;
};

}  // namespace zoo::apps
