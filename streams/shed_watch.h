// Whether a stream's frames come faster than they are worked on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "streams/account.h"

namespace zoo::streams {

/// Looks at a stream's counts once a second, over the last five: it sheds while more than one in ten of the frames that
/// its policy chooses are given up for newer ones or for their age, until fewer than one in fifty are. What happens
/// before the first answer, or in the first seconds after an opening, does not count: servers begin with what they have
/// kept. A stream of which nothing comes has not recovered. One thread at a time.
class ShedWatch {
 public:
  enum class Change { kNone, kSheds, kKeepsUp };

  Change look(const StreamCounts& counts);
  /// The source was opened, or frames come again after a silence.
  void begin_anew();
  bool sheds() const { return sheds_; }
  /// Of the frames in the last five seconds.
  int64_t chosen() const { return chosen_; }
  int64_t shed() const { return shed_; }

 private:
  struct Sample {
    int64_t chosen = 0;
    int64_t shed = 0;
  };

  std::deque<Sample> samples_;  ///< oldest first
  int looks_to_skip_ = 0;
  int64_t chosen_ = 0;
  int64_t shed_ = 0;
  bool sheds_ = false;
};

}  // namespace zoo::streams
