// Times of frames as a reader wants them.
#pragma once

#include <cmath>
#include <optional>

namespace zoo::ffmpeg {

/// Makes a container's times strictly increasing, see VideoFrame::time_s.
class FrameTimes {
 public:
  /// In seconds, `frame_s`: nominal distance of two frames; `period_s`: after which the container's clock is back at 0
  /// (MPEG: 33 bits, 26.5 hours), which is no new start; 0: never.
  explicit FrameTimes(double frame_s, double period_s = 0.0) : frame_s_(frame_s), period_s_(period_s) {}

  /// The next frame's time. `stamp_s`: the container's, since its start; nothing where it has none: one frame later.
  double next(std::optional<double> stamp_s) {
    constexpr double kNewClockSeconds = 1.0;
    constexpr double kStepSeconds = 0.001;
    double time_s = stamp_s ? nearest(*stamp_s + offset_s_) : begun_ ? last_s_ + frame_s_ : 0.0;
    if (begun_ && time_s < last_s_ - kNewClockSeconds) {
      offset_s_ += last_s_ + frame_s_ - time_s;
      time_s = last_s_ + frame_s_;
    }
    if (begun_ && time_s <= last_s_) time_s = last_s_ + kStepSeconds;
    begun_ = true;
    last_s_ = time_s;
    return time_s;
  }

 private:
  /// libav takes every step back for a full turn of the clock: of the times that are a turn apart, the one meant is the
  /// one nearest to the frame before.
  double nearest(double time_s) {
    if (!begun_ || period_s_ <= 0.0) return time_s;
    const double turns_s = period_s_ * std::round((last_s_ - time_s) / period_s_);
    offset_s_ += turns_s;
    return time_s + turns_s;
  }

  double frame_s_;
  double period_s_;
  double offset_s_ = 0.0;
  double last_s_ = 0.0;
  bool begun_ = false;
};

}  // namespace zoo::ffmpeg
