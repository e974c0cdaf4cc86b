#include "streams/mailbox.h"

#include <utility>
#include <variant>

namespace zoo::streams {

void Mailbox::put(Captured captured, Clock::TimePoint captured_at, StreamAccount& account) {
  auto* result = std::get_if<pipeline::FrameResult>(&captured);
  if (auto* failure = result == nullptr ? nullptr : std::get_if<pipeline::FrameFailure>(result)) {
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
  Entry entry;
  entry.captured_at = captured_at;
  if (result != nullptr) {
    entry.event = pipeline::ProcessedFrame{.frame = std::get<pipeline::Frame>(std::move(*result)), .result = {}};
  } else {
    entry.read = std::get<pipeline::FrameSource::Pending>(std::move(captured));
  }
  order_.push_back(std::move(entry));
}

void Mailbox::put_failure(pipeline::FrameFailure failure, Clock::TimePoint captured_at, StreamAccount& account) {
  if (order_.size() >= kWaitingFailures && failure.kind != pipeline::FailureKind::kLost) {
    account.note_dropped(DropReason::kReplaced);
    return;
  }
  Entry entry;
  entry.stage = Stage::kAnswered;
  entry.event = std::move(failure);
  entry.captured_at = captured_at;
  order_.push_back(std::move(entry));
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
    return Taken{.ticket = ticket,
                 .item = std::get<pipeline::ProcessedFrame>(std::exchange(taken.event, {})),
                 .read = std::exchange(taken.read, {})};
  }
  return std::nullopt;
}

void Mailbox::answer(int64_t ticket, pipeline::FrameEvent event) {
  Entry& answered = entry(ticket);
  answered.stage = Stage::kAnswered;
  answered.event = std::move(event);
}

pipeline::FrameEvent Mailbox::begin_delivery(Clock::TimePoint now) {
  delivering_ = true;
  Entry& front = order_.front();
  if (auto* item = std::get_if<pipeline::ProcessedFrame>(&front.event)) {
    const Clock::Duration age = now - front.captured_at;
    front.late = policy_.kind == FramePolicy::Kind::kMaxAge && age > policy_.max_age;
    item->late = front.late;
    item->age_ms = std::chrono::duration<double, std::milli>(age).count();
  } else {
    front.failed = true;
  }
  return std::exchange(front.event, {});
}

void Mailbox::delivered(Clock::TimePoint now, bool failed, StreamAccount& account) {
  const Entry& front = order_.front();
  if (front.was_taken) --at_work_;
  if (failed || front.failed) {
    account.note_failed();
  } else {
    account.note_answered(front.captured_at, now, front.late);
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
  dropped.read = {};
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
