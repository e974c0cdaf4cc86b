// How often something happens, over the last seconds.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "nn/core/clock.h"

namespace zoo::streams {

/// Counts in steps of half a second over the last five. One thread at a time.
class RateMeter {
 public:
  void note(Clock::TimePoint now);
  /// Since the first note where that is less than five seconds ago; 0 before it.
  double per_second(Clock::TimePoint now) const;

 private:
  static constexpr size_t kSteps = 10;
  static constexpr std::chrono::milliseconds kStep{500};

  int64_t step_of(Clock::TimePoint now) const { return (now - *first_) / kStep; }

  std::optional<Clock::TimePoint> first_;
  int64_t newest_ = 0;                    ///< step of the last note
  std::array<int64_t, kSteps> counts_{};  ///< of step s at s modulo kSteps
};

}  // namespace zoo::streams
