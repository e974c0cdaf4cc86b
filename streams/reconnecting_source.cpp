#include "streams/reconnecting_source.h"

#include <algorithm>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "nn/core/error.h"

namespace zoo::streams {
namespace {

using pipeline::FailureKind;
using pipeline::LossCause;

constexpr std::chrono::milliseconds kProbeInterval{500};
/// In seconds: times of frames ascend, also where a source begins anew within the clock's grain.
constexpr double kShortestStep = 0.001;

double seconds(Clock::Duration time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

bool can_come_back(const pipeline::SourceSpec& spec) {
  switch (spec.kind) {
    case pipeline::SourceKind::kStream:
    case pipeline::SourceKind::kCamera:
    case pipeline::SourceKind::kGStreamer:
      return true;
    case pipeline::SourceKind::kImages:
    case pipeline::SourceKind::kVideoFile:
    case pipeline::SourceKind::kPipe:
      break;
  }
  return false;
}

ReconnectingSource::ReconnectingSource(ReconnectOptions options)
    : options_(std::move(options)),
      clock_(options_.clock == nullptr ? system_clock() : *options_.clock),
      backoff_(options_.backoff),
      info_(options_.info) {}

void ReconnectingSource::stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stopped_.notify_all();
}

std::optional<pipeline::FrameResult> ReconnectingSource::next() {
  while (!done_) {
    std::optional<pipeline::FrameResult> result;
    if (source_) {
      result = read();
    } else if (!lost_ || wait_to_reopen()) {
      result = open();
    }
    if (stop_) end(StreamState::kEnded);
    if (result && !stop_) return result;
  }
  return std::nullopt;
}

std::optional<pipeline::FrameResult> ReconnectingSource::open() {
  tell(StreamState::kOpening);
  try {
    source_ = options_.open(stop_);
  } catch (const IoError& error) {
    return lose(pipeline::cause_of(error), error.what());
  } catch (const Error& error) {  // not of the source: trying again would not help
    pipeline::FrameFailure last = failure(LossCause::kOther, error.what());
    end(StreamState::kFailed);
    return last;
  }
  if (!source_) return std::nullopt;
  info_ = source_->info();
  opened_ = clock_.now();
  if (!first_opened_) first_opened_ = opened_;
  first_frame_.reset();
  base_index_ = next_index_;
  return std::nullopt;
}

std::optional<pipeline::FrameResult> ReconnectingSource::read() {
  std::optional<pipeline::FrameResult> result;
  try {
    result = source_->next();
  } catch (const IoError& error) {
    return lose(pipeline::cause_of(error), error.what());
  }
  if (!result) {
    end(StreamState::kEnded);
    return std::nullopt;
  }
  if (auto* frame = std::get_if<pipeline::Frame>(&*result)) return place(std::move(*frame));
  auto& failed = std::get<pipeline::FrameFailure>(*result);
  if (failed.kind == FailureKind::kLost) {
    return lose(failed.cause == LossCause::kNone ? LossCause::kOther : failed.cause, failed.message);
  }
  failed.index = next_index_ = base_index_ + failed.index;
  ++next_index_;
  failed.epoch = status_.epoch;
  return result;
}

std::optional<pipeline::FrameResult> ReconnectingSource::place(pipeline::Frame frame) {
  if (info_.live) {
    frame.time_s += seconds(opened_ - *first_opened_);
    if (last_time_s_ >= 0.0) frame.time_s = std::max(frame.time_s, last_time_s_ + kShortestStep);
  } else if (frame.time_s <= skip_until_s_) {
    --base_index_;
    return std::nullopt;
  }
  note_frame();
  last_time_s_ = frame.time_s;
  frame.index += base_index_;
  next_index_ = frame.index + 1;
  frame.epoch = status_.epoch;
  return frame;
}

void ReconnectingSource::note_frame() {
  last_frame_ = clock_.now();
  if (first_frame_) return;
  first_frame_ = last_frame_;
  if (std::exchange(lost_, false) && last_time_s_ >= 0.0) ++status_.epoch;
  status_.cause = LossCause::kNone;
  status_.message.clear();
  tell(StreamState::kRunning);
}

/// A source that comes back without a frame is lost all the while.
std::optional<pipeline::FrameResult> ReconnectingSource::lose(LossCause cause, const std::string& message) {
  source_.reset();
  if (stop_) return std::nullopt;
  if (first_frame_) backoff_.note_worked_for(last_frame_ - *first_frame_);
  first_frame_.reset();
  if (!info_.live) skip_until_s_ = last_time_s_;
  std::optional<pipeline::FrameResult> result;
  if (!std::exchange(lost_, true)) result = failure(cause, message);
  status_.cause = cause;
  status_.message = message;
  if (!options_.reconnects) end(StreamState::kFailed);
  return result;
}

pipeline::FrameFailure ReconnectingSource::failure(LossCause cause, const std::string& message) {
  status_.cause = cause;
  status_.message = message;
  return {.source = info_.name,
          .index = next_index_++,
          .kind = FailureKind::kLost,
          .message = message,
          .cause = cause,
          .epoch = status_.epoch};
}

/// False once it is to stop.
bool ReconnectingSource::wait_to_reopen() {
  const std::chrono::milliseconds wait = backoff_.next();
  if (wait.count() == 0) return !stop_;
  tell(StreamState::kWaiting);
  const Clock::TimePoint until = clock_.now() + wait;
  answered_ = options_.probe && options_.probe();
  while (clock_.now() < until) {
    if (!wait_until(std::min(until, clock_.now() + kProbeInterval))) return false;
    if (is_back()) break;
  }
  return !stop_;
}

/// False once it is to stop.
bool ReconnectingSource::wait_until(Clock::TimePoint time) {
  std::unique_lock lock(mutex_);
  return !clock_.wait_until(lock, stopped_, time, [this] { return stop_.load(); });
}

bool ReconnectingSource::is_back() {
  if (!options_.probe) return false;
  const bool answered_before = std::exchange(answered_, options_.probe());
  if (answered_ && !answered_before) backoff_.reset();
  return answered_ && (!answered_before || status_.cause == LossCause::kTimeout);
}

void ReconnectingSource::end(StreamState state) {
  source_.reset();
  if (std::exchange(done_, true)) return;
  tell(state);
}

void ReconnectingSource::tell(StreamState state) {
  status_.state = state;
  if (options_.on_status) options_.on_status(status_);
}

}  // namespace zoo::streams
