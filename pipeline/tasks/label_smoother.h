// Names that stand still: what a video shows, told apart from the flicker of single frames.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "pipeline/tasks/classifier.h"

namespace zoo::pipeline {

/// What a frame is besides its picture.
struct FrameMoment {
  double time_s = 0.0;        ///< Frame::time_s
  int64_t epoch = 0;          ///< Frame::epoch
  int64_t model_version = 1;  ///< ProcessedFrame::model_version
};

/// Follows the classifications of one stream, in the order of its frames. Every frame speaks for its name, that is its
/// best guess, or "unknown" where it is not known or has no guess, with the time since the frame before. The name with
/// the most time within the last SmoothingConfig::window_s takes the place of the steady one once it is ahead of it by
/// `hysteresis` windows, or no frame of the window speaks for the steady one. The first frame's name is steady at once,
/// and so is that of a frame that continues nothing: after a gap longer than the window, a time that is not after the
/// last one (pictures have none), another epoch or another model. Not thread-safe.
class LabelSmoother {
 public:
  /// Sets `result.steady` where the result has a `smoothing`; else forgets what was.
  void follow(Classification& result, const FrameMoment& moment);
  void reset();

 private:
  using Name = std::optional<int64_t>;  ///< a class, or unknown

  struct Vote {
    Name name;
    double score = 0.0;
    double time_s = 0.0;
    double weight_s = 0.0;
  };
  /// What the votes for a name add up to.
  struct Tally {
    std::string label;
    int64_t frames = 0;
    double weight_s = 0.0;
    double scores = 0.0;
  };

  bool continues(const models::SmoothingConfig& config, const FrameMoment& moment) const;
  void add(const Classification& result, const FrameMoment& moment, double weight_s);
  void drop_oldest();
  double weight_of(const Name& name) const;
  Name leader() const;
  SteadyLabel steady_label() const;

  std::deque<Vote> votes_;         ///< of the window, oldest first
  std::map<Name, Tally> tallies_;  ///< of names with a vote
  FrameMoment last_;
  Name steady_;
  std::string steady_text_;
};

}  // namespace zoo::pipeline
