// Frames that come when they come, for a video of constant rate.
#pragma once

#include <cstdint>
#include <optional>

namespace zoo::sinks {

/// Says how often each frame is shown in a video of so many frames a second: each from the moment nearest to its time
/// until the next one's, and where several fall on one moment only the last of them. The last of all is shown once.
class ConstantRate {
 public:
  /// `fps`: more than 0.
  explicit ConstantRate(double fps) : fps_(fps) {}

  /// A frame of this time, in seconds, comes; times ascend. Yields how often the one before it is shown; 0 for the
  /// first.
  int64_t next(double time_s);
  /// When the next frame is shown. To be called for each one that is.
  double show();

 private:
  double fps_;
  std::optional<double> first_s_;
  int64_t shown_ = 0;
};

}  // namespace zoo::sinks
