// Seconds of a source into the ticks of a file.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace zoo::ffmpeg {

/// Ticks that ascend whatever the times do.
class Ticks {
 public:
  explicit Ticks(int per_s) : per_s_(per_s) {}

  /// Which time is 0 ticks; before the first call of next().
  void begin(double origin_s) { origin_s_ = origin_s; }

  /// The next picture's. One that is not later than the last comes a tick after it; one that is earlier by more than a
  /// second is of a clock that began anew, which goes on from here, a distance() later.
  int64_t next(double time_s) {
    constexpr double kNewClock_s = 1.0;
    int64_t ticks = std::llround((time_s - origin_s_) * per_s_) + shift_;
    if (count_ == 0) first_ = ticks;
    if (count_ > 0 && ticks < last_ - std::llround(kNewClock_s * per_s_)) {
      const int64_t wanted = last_ + distance(1);
      shift_ += wanted - ticks;
      ticks = wanted;
    }
    if (count_ > 0) ticks = std::max(ticks, last_ + 1);
    distance_ = ticks - last_;
    last_ = ticks;
    ++count_;
    return last_;
  }

  /// From one picture to the next: as the last two, or on average where that is less; `otherwise` where there are no
  /// two.
  int64_t distance(int64_t otherwise) const {
    return count_ < 2 ? otherwise : std::max<int64_t>(1, std::min(distance_, (last_ - first_) / (count_ - 1)));
  }

 private:
  int per_s_;
  double origin_s_ = 0.0;
  int64_t shift_ = 0;
  int64_t first_ = 0;
  int64_t last_ = 0;
  int64_t distance_ = 0;  ///< of the last two
  int64_t count_ = 0;
};

}  // namespace zoo::ffmpeg
