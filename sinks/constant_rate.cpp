#include "sinks/constant_rate.h"

#include <algorithm>
#include <cmath>

namespace zoo::sinks {

int64_t ConstantRate::next(double time_s) {
  if (count_++ == 0) first_s_ = time_s;
  last_s_ = time_s;
  return missing_until(time_s);
}

int64_t ConstantRate::end() const {
  if (count_ == 0) return 0;
  const double mean_s = count_ == 1 ? 1.0 / fps_ : (last_s_ - first_s_) / static_cast<double>(count_ - 1);
  return std::max(missing_until(last_s_ + mean_s), shown_ == 0 ? int64_t{1} : int64_t{0});
}

double ConstantRate::show() { return first_s_ + static_cast<double>(shown_++) / fps_; }

int64_t ConstantRate::missing_until(double time_s) const {
  return std::max<int64_t>(0, std::llround((time_s - first_s_) * fps_) - shown_);
}

}  // namespace zoo::sinks
