#include "streams/mailbox.h"

#include <utility>
#include <variant>

namespace zoo::streams {

void Mailbox::put(pipeline::FrameResult captured, Clock::TimePoint captured_at, StreamAccount& account) {
  if (auto* failure = std::get_if<pipeline::FrameFailure>(&captured)) {
    put_failure(std::move(*failure), captured_at, account);
    return;
  }
  const bool chosen = policy_.kind != FramePolicy::Kind::kEvery || frames_ % policy_.every == 0;
  ++frames_;
  if (!chosen) {
    account.note_dropped(DropReason::kNotChosen);
    return;
  }
  if (policy_.kind != FramePolicy::Kind::kBlock) drop_waiting(DropReason::kReplaced, account);
  waiting_.push_back(first_ticket_ + static_cast<int64_t>(order_.size()));
  pipeline::ProcessedFrame item{.frame = std::get<pipeline::Frame>(std::move(captured)), .result = {}};
  order_.push_back({Stage::kWaiting, std::move(item), captured_at});
}

void Mailbox::put_failure(pipeline::FrameFailure failure, Clock::TimePoint captured_at, StreamAccount& account) {
  if (order_.size() >= kWaitingFailures && failure.kind != pipeline::FailureKind::kLost) {
    account.note_dropped(DropReason::kReplaced);
    return;
  }
  order_.push_back({Stage::kAnswered, std::move(failure), captured_at});
}

void Mailbox::drop_waiting(DropReason reason, StreamAccount& account) {
  while (!waiting_.empty()) {
    const int64_t ticket = waiting_.front();
    waiting_.pop_front();
    drop_ticket(ticket, reason, account);
  }
}

std::optional<Mailbox::Taken> Mailbox::take(Clock::TimePoint now, StreamAccount& account) {
  while (!waiting_.empty()) {
    const int64_t ticket = waiting_.front();
    waiting_.pop_front();
    Entry& taken = entry(ticket);
    if (policy_.kind == FramePolicy::Kind::kMaxAge && now - taken.captured_at > policy_.max_age) {
      drop_ticket(ticket, DropReason::kTooOld, account);
      continue;
    }
    taken.stage = Stage::kAtWork;
    taken.was_taken = true;
    ++at_work_;
    return Taken{.ticket = ticket, .item = std::get<pipeline::ProcessedFrame>(std::exchange(taken.event, {}))};
  }
  return std::nullopt;
}

void Mailbox::answer(int64_t ticket, pipeline::FrameEvent event) {
  Entry& answered = entry(ticket);
  answered.stage = Stage::kAnswered;
  answered.event = std::move(event);
}

pipeline::FrameEvent Mailbox::begin_delivery() {
  delivering_ = true;
  Entry& front = order_.front();
  front.failed = std::holds_alternative<pipeline::FrameFailure>(front.event);
  return std::exchange(front.event, {});
}

void Mailbox::delivered(Clock::TimePoint now, bool failed, StreamAccount& account) {
  const Entry& front = order_.front();
  if (front.was_taken) --at_work_;
  if (failed || front.failed) {
    account.note_failed();
  } else {
    const bool late = policy_.kind == FramePolicy::Kind::kMaxAge && now - front.captured_at > policy_.max_age;
    account.note_answered(front.captured_at, now, late);
  }
  delivering_ = false;
  order_.pop_front();
  ++first_ticket_;
  forget_dropped();
}

void Mailbox::drop_ticket(int64_t ticket, DropReason reason, StreamAccount& account) {
  Entry& dropped = entry(ticket);
  dropped.stage = Stage::kDropped;
  dropped.event = {};
  account.note_dropped(reason);
  forget_dropped();
}

void Mailbox::forget_dropped() {
  while (!order_.empty() && order_.front().stage == Stage::kDropped) {
    order_.pop_front();
    ++first_ticket_;
  }
}

}  // namespace zoo::streams
