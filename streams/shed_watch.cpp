#include "streams/shed_watch.h"

namespace zoo::streams {
namespace {

constexpr size_t kLooks = 5;
/// After so few a stream has only begun.
constexpr size_t kFewLooks = 2;
/// Of the seconds after an opening.
constexpr int kOpeningLooks = 2;
/// Fewer frames than this say nothing.
constexpr int64_t kFewFrames = 5;
constexpr int64_t kShedsAbove = 10;    ///< one in
constexpr int64_t kKeepsUpBelow = 50;  ///< one in

}  // namespace

ShedWatch::Change ShedWatch::look(const StreamCounts& counts) {
  const Sample now{.chosen = counts.captured - counts.dropped(DropReason::kNotChosen),
                   .shed = counts.dropped(DropReason::kReplaced) + counts.dropped(DropReason::kTooOld)};
  if (counts.ok + counts.late + counts.failed == 0) return Change::kNone;  // networks are compiled for the first frame
  if (looks_to_skip_ > 0) {
    --looks_to_skip_;
    return Change::kNone;
  }
  const bool comes = samples_.empty() || now.chosen > samples_.back().chosen;
  samples_.push_back(now);
  if (samples_.size() <= kFewLooks) return Change::kNone;
  const Sample before = samples_.front();
  if (samples_.size() > kLooks) samples_.pop_front();
  chosen_ = now.chosen - before.chosen;
  shed_ = now.shed - before.shed;
  if (chosen_ < kFewFrames) return Change::kNone;
  const bool did = sheds_;
  if (shed_ * kShedsAbove > chosen_) sheds_ = true;
  if (comes && shed_ * kKeepsUpBelow < chosen_) sheds_ = false;
  if (sheds_ == did) return Change::kNone;
  return sheds_ ? Change::kSheds : Change::kKeepsUp;
}

void ShedWatch::begin_anew() {
  samples_.clear();
  looks_to_skip_ = kOpeningLooks;
}

}  // namespace zoo::streams
