#include "sinks/constant_rate.h"

#include <algorithm>
#include <cmath>

namespace zoo::sinks {

int64_t ConstantRate::next(double time_s, double duration_s) {
  if (count_ == 0) first_s_ = time_s;
  const double nominal_s = count_ == 0 ? frame_s_ : std::clamp(time_s - last_s_, 0.0, frame_s_);
  duration_s_ = duration_s > 0.0 ? duration_s : nominal_s;
  ++count_;
  last_s_ = time_s;
  return missing_until(time_s);
}

int64_t ConstantRate::end() const {
  if (count_ == 0) return 0;
  return std::max(missing_until(last_s_ + duration_s_), shown_ == 0 ? int64_t{1} : int64_t{0});
}

double ConstantRate::show() { return first_s_ + static_cast<double>(shown_++) / fps_; }

int64_t ConstantRate::missing_until(double time_s) const {
  constexpr double kMost = 1e18;  // a number of 64 bits
  return std::max<int64_t>(0, std::llround(std::min((time_s - first_s_) * fps_, kMost)) - shown_);
}

}  // namespace zoo::sinks
