// Seconds of a source into the ticks of a file.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace zoo::ffmpeg {

/// Ticks that ascend whatever the times do.
class Ticks {
 public:
  /// The longest step that a clock makes: 30 days.
  static constexpr double kLongestStepSeconds = 30 * 86'400.0;

  /// `nominal`: ticks from one picture to the next, more than 0.
  Ticks(int per_s, int64_t nominal) : per_s_(per_s), nominal_(nominal) {}

  /// Which time is 0 ticks; before the first call of next().
  void begin(double origin_s) { origin_s_ = origin_s; }

  /// The next picture's. One that is not later than the last comes a tick after it; one that is earlier by more than a
  /// second, or later by more than the longest step, is of a clock that began anew, which goes on from here, a
  /// distance() later.
  int64_t next(double time_s) {
    constexpr double kNewClockSeconds = 1.0;
    constexpr double kMost = 1e18;  // so that sums and differences fit 64 bits
    int64_t ticks = std::llround(std::clamp((time_s - origin_s_) * per_s_, -kMost, kMost)) + shift_;
    leapt_ = count_ > 0 && ticks - last_ > std::llround(kLongestStepSeconds * per_s_);
    if (leapt_ || (count_ > 0 && ticks < last_ - std::llround(kNewClockSeconds * per_s_))) {
      const int64_t wanted = last_ + distance();
      shift_ += wanted - ticks;
      ticks = wanted;
    }
    if (count_ > 0) ticks = std::max(ticks, last_ + 1);
    distance_ = ticks - last_;
    last_ = ticks;
    ++count_;
    return last_;
  }

  /// From one picture to the next: as the last two, or nominally where that is less.
  int64_t distance() const { return count_ < 2 ? nominal_ : std::min(distance_, nominal_); }
  /// The last picture's; before the first 0.
  int64_t last() const { return last_; }
  /// Whether the last picture was later than the one before by more than the longest step.
  bool leapt() const { return leapt_; }

 private:
  int per_s_;
  int64_t nominal_;
  double origin_s_ = 0.0;
  int64_t shift_ = 0;
  int64_t last_ = 0;
  int64_t distance_ = 0;  ///< of the last two
  int64_t count_ = 0;
  bool leapt_ = false;
};

}  // namespace zoo::ffmpeg
