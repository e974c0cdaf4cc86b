// Milliseconds by the steady clock.
#pragma once

#include <chrono>

namespace zoo {

class Stopwatch {
 public:
  /// Since construction or the last lap, which this ends.
  double lap_ms() {
    const Clock::time_point now = Clock::now();
    const double ms = between(start_, now);
    start_ = now;
    return ms;
  }

  /// Since construction or the last lap.
  double elapsed_ms() const { return between(start_, Clock::now()); }

 private:
  using Clock = std::chrono::steady_clock;

  static double between(Clock::time_point from, Clock::time_point to) {
    return std::chrono::duration<double, std::milli>(to - from).count();
  }

  Clock::time_point start_ = Clock::now();
};

}  // namespace zoo
