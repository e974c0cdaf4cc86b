// Frames that come when they come, for a video of constant rate.
#pragma once

#include <cstdint>

namespace zoo::sinks {

/// Says how often each frame is shown in a video of so many frames a second: each from the moment nearest to its time
/// until the next one's, and where several fall on one moment only the last of them.
class ConstantRate {
 public:
  /// `fps`: of the video. `frame_s`: nominal distance of the frames that come, in seconds. Both more than 0.
  ConstantRate(double fps, double frame_s) : fps_(fps), frame_s_(frame_s) {}

  /// A frame of this time, in seconds, comes; times ascend. `duration_s`: how long it is shown if it is the last; 0:
  /// unknown, that is as long as the one before it, at most nominally. Yields how often the one before it is shown; 0
  /// for the first.
  int64_t next(double time_s, double duration_s = 0.0);
  /// No frame comes any more. Yields how often the last is shown; 0 where there is none.
  int64_t end() const;
  /// When the next frame is shown, in the same clock. To be called for each one that is.
  double show();
  /// Leaves out that many of those that should be shown.
  void skip(int64_t times) { shown_ += times; }

 private:
  int64_t missing_until(double time_s) const;

  double fps_;
  double frame_s_;
  double first_s_ = 0.0;
  double last_s_ = 0.0;
  double duration_s_ = 0.0;  ///< of the last
  int64_t count_ = 0;
  int64_t shown_ = 0;
};

}  // namespace zoo::sinks
