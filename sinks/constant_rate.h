// Frames that come when they come, for a video of constant rate.
#pragma once

#include <cstdint>

namespace zoo::sinks {

/// Says how often each frame is shown in a video of so many frames a second: each from the moment nearest to its time
/// until the next one's, and where several fall on one moment only the last of them. The last of all lasts as long as
/// the others did on average.
class ConstantRate {
 public:
  /// `fps`: more than 0.
  explicit ConstantRate(double fps) : fps_(fps) {}

  /// A frame of this time, in seconds, comes; times ascend. Yields how often the one before it is shown; 0 for the
  /// first.
  int64_t next(double time_s);
  /// No frame comes any more. Yields how often the last is shown; 0 where there is none.
  int64_t end() const;
  /// When the next frame is shown, in the same clock. To be called for each one that is.
  double show();

 private:
  int64_t missing_until(double time_s) const;

  double fps_;
  double first_s_ = 0.0;
  double last_s_ = 0.0;
  int64_t count_ = 0;
  int64_t shown_ = 0;
};

}  // namespace zoo::sinks
