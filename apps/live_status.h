// What a live source is doing, on one line.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "pipeline/result_sink.h"

namespace zoo::apps {

/// Follows the events of one live source.
class LiveStatus {
 public:
  /// `now_s`: seconds since the source was opened.
  void add(const pipeline::FrameEvent& event, double now_s);
  /// "120 frames  25.0/s  14 dropped  0.12 s old": results so far, their rate in the last two seconds, frames that
  /// newer ones replaced, and how long ago the last one was taken.
  std::string text() const;

 private:
  std::deque<double> recent_s_;  ///< when results came
  int64_t frames_ = 0;
  int64_t captured_ = 0;
  double age_s_ = 0.0;
};

}  // namespace zoo::apps
