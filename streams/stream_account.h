// The books of one stream.
#pragma once

#include <cstddef>
#include <deque>
#include <string_view>
#include <vector>

#include "nn/core/clock.h"
#include "streams/account.h"
#include "streams/rate_meter.h"

namespace zoo::streams {

/// Every frame is noted as captured, and later once as what has become of it. One thread at a time.
class StreamAccount {
 public:
  void note_captured(Clock::TimePoint now);
  void note_dropped(DropReason reason);
  void note_failed();
  void note_answered(Clock::TimePoint captured_at, Clock::TimePoint now, bool late);
  /// The source was lost, or stopped without a word.
  void note_interruption(Clock::TimePoint now);

  const StreamCounts& counts() const { return counts_; }
  double captured_fps(Clock::TimePoint now) const { return captured_.per_second(now); }
  double answered_fps(Clock::TimePoint now) const { return answered_.per_second(now); }
  /// Of the last thousand answers, in milliseconds, in no order.
  const std::vector<float>& ages_ms() const { return ages_ms_; }
  double last_age_ms() const { return last_age_ms_; }
  /// StreamSnapshot::quality.
  std::string_view quality(StreamState state, Clock::TimePoint now) const;

 private:
  StreamCounts counts_;
  RateMeter captured_;
  RateMeter answered_;
  std::vector<float> ages_ms_;
  size_t oldest_age_ = 0;  ///< in a full `ages_ms_`
  double last_age_ms_ = 0.0;
  std::deque<Clock::TimePoint> interruptions_;  ///< the last ones, oldest first
};

/// The ages below which half of all and 99 of 100 are (nearest rank); zeros for none.
FrameAges ages_of(std::vector<float> ages_ms, double last_ms);

}  // namespace zoo::streams
