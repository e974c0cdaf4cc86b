// Times consecutive steps. Internal to nn/engine.
#pragma once

#include <chrono>
#include <cstdint>

namespace zoo::engine {

class StepTimer {
 public:
  /// Nanoseconds since construction or the last lap.
  int64_t lap_ns() {
    const Clock::time_point now = Clock::now();
    const auto elapsed = std::chrono::duration_cast<std::chrono::nanoseconds>(now - last_);
    last_ = now;
    return elapsed.count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point last_ = Clock::now();
};

}  // namespace zoo::engine
