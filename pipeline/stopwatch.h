// Milliseconds of consecutive stages.
#pragma once

#include <chrono>

namespace zoo::pipeline {

class Stopwatch {
 public:
  /// Since construction or the last lap.
  double lap_ms() {
    const Clock::time_point now = Clock::now();
    const double ms = std::chrono::duration<double, std::milli>(now - start_).count();
    start_ = now;
    return ms;
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

}  // namespace zoo::pipeline
