#include "sinks/constant_rate.h"

#include <algorithm>
#include <cmath>

namespace zoo::sinks {

int64_t ConstantRate::next(double time_s) {
  if (!first_s_) first_s_ = time_s;
  return std::max<int64_t>(0, std::llround((time_s - *first_s_) * fps_) - shown_);
}

double ConstantRate::show() { return *first_s_ + static_cast<double>(shown_++) / fps_; }

}  // namespace zoo::sinks
