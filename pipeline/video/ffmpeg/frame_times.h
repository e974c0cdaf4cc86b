// Times of frames as a reader wants them.
#pragma once

#include <optional>

namespace zoo::ffmpeg {

/// Makes a container's times strictly increasing, see VideoFrame::time_s.
class FrameTimes {
 public:
  /// `frame_s`: nominal distance of two frames, in seconds.
  explicit FrameTimes(double frame_s) : frame_s_(frame_s) {}

  /// The next frame's time. `stamp_s`: the container's, since its start; nothing where it has none: one frame later.
  double next(std::optional<double> stamp_s) {
    constexpr double kNewClock_s = 1.0;
    constexpr double kStep_s = 0.001;
    double time_s = stamp_s ? *stamp_s + offset_s_ : begun_ ? last_s_ + frame_s_ : 0.0;
    if (begun_ && time_s < last_s_ - kNewClock_s) {
      offset_s_ += last_s_ + frame_s_ - time_s;
      time_s = last_s_ + frame_s_;
    }
    if (begun_ && time_s <= last_s_) time_s = last_s_ + kStep_s;
    begun_ = true;
    last_s_ = time_s;
    return time_s;
  }

 private:
  double frame_s_;
  double offset_s_ = 0.0;
  double last_s_ = 0.0;
  bool begun_ = false;
};

}  // namespace zoo::ffmpeg
