#include "streams/rate_meter.h"

#include <algorithm>

namespace zoo::streams {

void RateMeter::note(Clock::TimePoint now) {
  if (!first_) first_ = now;
  const int64_t step = std::max(step_of(now), newest_);
  for (int64_t passed = std::max(newest_, step - static_cast<int64_t>(kSteps)) + 1; passed <= step; ++passed) {
    counts_[static_cast<size_t>(passed) % kSteps] = 0;
  }
  newest_ = step;
  ++counts_[static_cast<size_t>(step) % kSteps];
}

double RateMeter::per_second(Clock::TimePoint now) const {
  if (!first_) return 0.0;
  const int64_t step = std::max(step_of(now), newest_);
  const int64_t oldest = std::max<int64_t>(0, step - static_cast<int64_t>(kSteps) + 1);
  int64_t count = 0;
  for (int64_t counted = oldest; counted <= newest_; ++counted) count += counts_[static_cast<size_t>(counted) % kSteps];
  const auto since = std::chrono::duration<double>(now - (*first_ + oldest * kStep));
  return static_cast<double>(count) / std::max(since.count(), std::chrono::duration<double>(kStep).count());
}

}  // namespace zoo::streams
