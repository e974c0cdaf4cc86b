// Whether a model answers a stream's frames at all.
#pragma once

#include <cstdint>

#include "nn/core/clock.h"

namespace zoo::streams {

/// One frame that fails is that frame's; so many in a row are the model's or the source's, and open the circuit: only
/// one frame a second is tried from then on, so that the other streams have the workers. The first that succeeds closes
/// it, and so does the first that another model is tried on. One thread at a time.
class Circuit {
 public:
  static constexpr int kFailuresInARow = 30;
  static constexpr std::chrono::seconds kTryEvery{1};

  enum class Change { kNone, kOpened, kClosed };

  /// What the model of this version has made of a frame.
  Change note(bool failed, int64_t model_version, Clock::TimePoint now);
  bool open() const { return failures_ >= kFailuresInARow; }
  /// When a frame may be tried; the past while the circuit is closed.
  Clock::TimePoint next_try() const { return open() ? next_try_ : Clock::TimePoint::min(); }

 private:
  int failures_ = 0;  ///< in a row
  int64_t model_version_ = 0;
  Clock::TimePoint next_try_;
};

}  // namespace zoo::streams
