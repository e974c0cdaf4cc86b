// Where a stream's frames wait for a worker, and their answers for those of the frames before them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "pipeline/result_sink.h"
#include "streams/clock.h"
#include "streams/stream_account.h"
#include "streams/stream_options.h"

namespace zoo::streams {

/// Frames go in as they are captured and come out twice: to be worked on, as the policy says, and, answered, in the
/// order of capture. At most one at a time is taken and not yet delivered, with the policy `block` several. Keeps the
/// account. One thread at a time.
class Mailbox {
 public:
  /// Frames that may wait with the policy `block`.
  static constexpr size_t kWaitingFrames = 4;
  /// Failures that may wait behind a frame that is being worked on; a source that fails faster loses the newest, but
  /// never its loss.
  static constexpr size_t kWaitingFailures = 64;

  /// `most_at_work`: frames of the policy `block` that may be taken and not delivered.
  Mailbox(const FramePolicy& policy, size_t most_at_work) : policy_(policy), most_at_work_(most_at_work) {}

  /// Whether one that blocks may put another frame in.
  bool has_room() const {
    return policy_.kind != FramePolicy::Kind::kBlock ||
           (waiting_.size() < kWaitingFrames && order_.size() < kWaitingFailures);
  }
  /// What note_captured() was called for.
  void put(pipeline::FrameResult captured, Clock::TimePoint captured_at, StreamAccount& account);
  /// Gives up what waits.
  void drop_waiting(DropReason reason, StreamAccount& account);

  /// A frame to be worked on, with its place in the order.
  struct Taken {
    int64_t ticket = 0;
    pipeline::ProcessedFrame item;  ///< without a result
  };
  bool may_take() const { return !waiting_.empty() && at_work_ < most_at_work(); }
  /// Only where may_take(). Nothing if all that waited was too old.
  std::optional<Taken> take(Clock::TimePoint now, StreamAccount& account);
  void answer(int64_t ticket, pipeline::FrameEvent event);

  /// Whether the answer of the oldest frame that is not yet delivered is there, and the one before it is delivered.
  bool may_deliver() const { return !delivering_ && !order_.empty() && order_.front().stage == Stage::kAnswered; }
  /// Only where may_deliver(). It ends with delivered().
  pipeline::FrameEvent begin_delivery();
  /// `failed`: it has become a failure meanwhile.
  void delivered(Clock::TimePoint now, bool failed, StreamAccount& account);

  /// Nothing waits, is worked on, or is on its way.
  bool empty() const { return order_.empty(); }

 private:
  enum class Stage { kWaiting, kAtWork, kAnswered, kDropped };
  struct Entry {
    Stage stage = Stage::kWaiting;
    pipeline::FrameEvent event;  ///< kWaiting, kAnswered
    Clock::TimePoint captured_at;
    bool was_taken = false;
    bool failed = false;  ///< while it is delivered
  };

  size_t most_at_work() const { return policy_.kind == FramePolicy::Kind::kBlock ? most_at_work_ : 1; }
  Entry& entry(int64_t ticket) { return order_[static_cast<size_t>(ticket - first_ticket_)]; }
  void put_failure(pipeline::FrameFailure failure, Clock::TimePoint captured_at, StreamAccount& account);
  void drop_ticket(int64_t ticket, DropReason reason, StreamAccount& account);
  void forget_dropped();

  const FramePolicy policy_;
  const size_t most_at_work_;
  std::deque<Entry> order_;  ///< what is not delivered, by ticket
  int64_t first_ticket_ = 0;
  std::deque<int64_t> waiting_;  ///< tickets of frames
  size_t at_work_ = 0;           ///< frames taken and not delivered
  bool delivering_ = false;
  int64_t frames_ = 0;  ///< put in so far
};

}  // namespace zoo::streams
