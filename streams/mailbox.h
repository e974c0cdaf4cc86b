// Where a stream's frames wait for a worker, and their answers for those of the frames before them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <variant>

#include "nn/core/clock.h"
#include "pipeline/result_sink.h"
#include "pipeline/video/frame_source.h"
#include "streams/stream_account.h"
#include "streams/stream_options.h"

namespace zoo::streams {

/// What a source has yielded, or how to get it.
using Captured = std::variant<pipeline::FrameResult, pipeline::FrameSource::Pending>;

/// How much of one stream there may be at a time.
struct MailboxRoom {
  size_t waiting_frames = 4;  ///< with the policy `block`; of every other one
  size_t most_at_work = 1;    ///< frames taken and not yet delivered
};

/// Frames go in as they are captured and come out twice: to be worked on, as the policy says, and, answered, in the
/// order of capture. Keeps the account. One thread at a time.
class Mailbox {
 public:
  /// Failures that may wait behind a frame that is being worked on; a source that fails faster loses the newest, but
  /// never its loss.
  static constexpr size_t kWaitingFailures = 64;

  Mailbox(const FramePolicy& policy, const MailboxRoom& room) : policy_(policy), room_(room) {}

  /// Whether one that blocks may put another frame in.
  bool has_room() const {
    return policy_.kind != FramePolicy::Kind::kBlock ||
           (waiting_.size() < room_.waiting_frames && order_.size() < room_.most_at_work + kWaitingFailures);
  }
  /// What note_captured() was called for.
  void put(Captured captured, Clock::TimePoint captured_at, StreamAccount& account);
  /// Gives up what waits.
  void drop_waiting(DropReason reason, StreamAccount& account);

  /// Frames that may be taken and not delivered.
  size_t most_at_work() const { return room_.most_at_work; }

  /// A frame to be worked on, with its place in the order.
  struct Taken {
    int64_t ticket = 0;
    pipeline::ProcessedFrame item;        ///< without a result
    pipeline::FrameSource::Pending read;  ///< if it is there, it yields what is to be in `item`
  };
  bool may_take() const { return !waiting_.empty() && at_work_ < room_.most_at_work; }
  /// Only where may_take(). Nothing if all that waited was too old.
  std::optional<Taken> take(Clock::TimePoint now, StreamAccount& account);
  void answer(int64_t ticket, pipeline::FrameEvent event);

  /// Whether the answer of the oldest frame that is not yet delivered is there, and the one before it is delivered.
  bool may_deliver() const { return !delivering_ && !order_.empty() && order_.front().stage == Stage::kAnswered; }
  /// Only where may_deliver(). It ends with delivered(). The answer knows its age.
  pipeline::FrameEvent begin_delivery(Clock::TimePoint now);
  /// `failed`: it has become a failure meanwhile.
  void delivered(Clock::TimePoint now, bool failed, StreamAccount& account);

  /// Nothing waits, is worked on, or is on its way.
  bool empty() const { return order_.empty(); }

 private:
  enum class Stage { kWaiting, kAtWork, kAnswered, kDropped };
  struct Entry {
    Stage stage = Stage::kWaiting;
    pipeline::FrameEvent event;           ///< kWaiting, kAnswered
    pipeline::FrameSource::Pending read;  ///< kWaiting: in its place
    Clock::TimePoint captured_at;
    bool was_taken = false;
    bool failed = false;  ///< while it is delivered
    bool late = false;    ///< the same
  };

  Entry& entry(int64_t ticket) { return order_[static_cast<size_t>(ticket - first_ticket_)]; }
  void put_failure(pipeline::FrameFailure failure, Clock::TimePoint captured_at, StreamAccount& account);
  void drop_ticket(int64_t ticket, DropReason reason, StreamAccount& account);
  void forget_dropped();

  const FramePolicy policy_;
  const MailboxRoom room_;
  std::deque<Entry> order_;  ///< what is not delivered, by ticket
  int64_t first_ticket_ = 0;
  std::deque<int64_t> waiting_;  ///< tickets of frames
  size_t at_work_ = 0;           ///< frames taken and not delivered
  bool delivering_ = false;
  int64_t frames_ = 0;  ///< put in so far
};

}  // namespace zoo::streams
