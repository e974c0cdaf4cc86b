#include "streams/lane.h"

#include <utility>

#include <fmt/format.h>

#include "nn/core/counted.h"

namespace zoo::streams {
namespace {

double seconds(Clock::Duration time) { return std::chrono::duration<double>(time).count(); }

/// What can be done about a source of this kind that says nothing: nobody can interrupt cv::VideoCapture.
std::string help_against_silence(pipeline::SourceKind kind, bool opening) {
  switch (kind) {
    case pipeline::SourceKind::kGStreamer:
      return fmt::format(
          "it is waited for, as its pipeline cannot be interrupted; end the stream and add it again, and give the "
          "pipeline a timeout: {}a property of its source (e.g. `tcpclientsrc timeout=5`)",
          opening ? "`watchdog timeout=5000` or " : "");
    case pipeline::SourceKind::kCamera:
      return "it is waited for, as its driver cannot be interrupted; plug the camera in anew, or end the stream and "
             "add "
             "it again";
    case pipeline::SourceKind::kImages:
    case pipeline::SourceKind::kVideoFile:
    case pipeline::SourceKind::kStream:
    case pipeline::SourceKind::kPipe:
      break;
  }
  return "it is waited for";
}

}  // namespace

Lane::Lane(size_t number, StreamOptions stream_options, const LaneOptions& how, Clock::TimePoint now)
    : stream(number),
      options(std::move(stream_options)),
      is_watched(how.is_watched),
      mailbox(options.policy, how.room),
      began(now) {}

std::string Lane::say(const std::string& what) const { return fmt::format("{}: {}", options.name, what); }

std::string Lane::note_status(const SourceStatus& told, const pipeline::SourceInfo& source, Clock::TimePoint now) {
  const StreamState before = std::exchange(status, told).state;
  switch (status.state) {
    case StreamState::kOpening:
    case StreamState::kWaiting:
      reading_since.reset();
      if (status.state == StreamState::kOpening) reading_since = now;
      return status.cause == pipeline::LossCause::kNone ? "" : note_loss(before == StreamState::kStalled, now);
    case StreamState::kStalled:
      break;
    case StreamState::kRunning:
      if (!info) {
        info = source;
        info->stream_name = options.name;
      }
      reading_since = now;
      shed.begin_anew();
      return note_return(now);
    case StreamState::kEnded:
      whole = !closed;
      return whole && info && info->live ? say("has ended") : "";
    case StreamState::kFailed:
      return say(fmt::format("has ended: {}", status.message));
  }
  return {};
}

std::string Lane::note_loss(bool was_silent, Clock::TimePoint now) {
  const bool was_lost = lost_since && !was_silent;
  if (!lost_since) begin_outage(last_frame.value_or(now), now);
  const bool is_news = said_causes_.insert(status.cause).second;
  if (!was_lost) {
    return say(fmt::format("{} ({}); it is opened again until it is back", status.message, to_string(status.cause)));
  }
  return is_news ? say(fmt::format("is still lost: {} ({})", status.message, to_string(status.cause))) : "";
}

void Lane::begin_outage(Clock::TimePoint since, Clock::TimePoint now) {
  lost_since = since;
  account.note_interruption(now);
}

std::string Lane::note_return(Clock::TimePoint now) {
  said_causes_.clear();
  if (!lost_since) return {};
  const double gone_s = seconds(now - *std::exchange(lost_since, std::nullopt));
  return say(fmt::format("is back after {:.1f} s", gone_s));
}

std::string Lane::note_frames(Clock::TimePoint now) {
  std::string message;
  if (status.state == StreamState::kStalled) {
    status.state = StreamState::kRunning;
    status.cause = pipeline::LossCause::kNone;
    status.message.clear();
    shed.begin_anew();
    message = note_return(now);
  }
  last_frame = now;
  return message;
}

std::string Lane::note_answer(const std::string& problem, int64_t model_version, Clock::TimePoint now) {
  if (!is_watched) return {};
  switch (circuit.note(!problem.empty(), model_version, now)) {
    case Circuit::Change::kNone:
      return {};
    case Circuit::Change::kOpened:
      return say(
          fmt::format("{} in a row failed, the last so: {}; one a second is tried until one succeeds, or until "
                      "there is another model",
                      counted(Circuit::kFailuresInARow, "frame"), problem));
    case Circuit::Change::kClosed:
      return problem.empty() ? say("frames succeed again") : say("another model is tried");
  }
  return {};
}

Clock::Duration Lane::patience() const {
  const bool opening = status.state == StreamState::kOpening;
  switch (options.spec.kind) {
    case pipeline::SourceKind::kCamera:
    case pipeline::SourceKind::kGStreamer:
      return opening ? options.open_timeout : options.stall_timeout;
    case pipeline::SourceKind::kImages:
    case pipeline::SourceKind::kVideoFile:
    case pipeline::SourceKind::kStream:
    case pipeline::SourceKind::kPipe:
      break;
  }
  // A source that ends its stalls itself knows better what is wrong.
  if (opening) return 2 * (options.open_timeout + options.stall_timeout);
  return options.stall_timeout * (info && info->ends_stalls ? 2 : 1);
}

void Lane::look_for_silence(Clock::TimePoint now, std::vector<std::string>& messages) {
  const bool opening = status.state == StreamState::kOpening;
  if ((!opening && status.state != StreamState::kRunning) || !reading_since) return;
  const Clock::Duration limit = patience();
  if (now - *reading_since <= limit) return;
  status.state = StreamState::kStalled;
  status.cause = pipeline::LossCause::kTimeout;
  status.message =
      fmt::format("no frame for {} s; {}", seconds(limit), help_against_silence(options.spec.kind, opening));
  if (!lost_since) begin_outage(*reading_since, now);
  if (said_causes_.insert(status.cause).second) messages.push_back(say(status.message));
}

void Lane::look_for_shedding(std::vector<std::string>& messages) {
  if (status.state != StreamState::kRunning) return;
  switch (shed.look(account.counts())) {
    case ShedWatch::Change::kNone:
      break;
    case ShedWatch::Change::kSheds:
      messages.push_back(say(fmt::format(
          "frames come faster than they are worked on: {} of the last {} were left out; a smaller model, fewer streams "
          "or the policy \"every N\" help",
          shed.shed(), counted(shed.chosen(), "frame"))));
      break;
    case ShedWatch::Change::kKeepsUp:
      messages.push_back(say("every frame is worked on again"));
      break;
  }
}

StreamSnapshot Lane::snapshot(Clock::TimePoint now) const {
  return {.stream = stream,
          .name = options.name,
          .source = pipeline::name_of(options.spec),
          .policy = to_string(options.policy),
          .state = status.state,
          .cause = status.cause,
          .message = status.message,
          .counts = account.counts(),
          .stall_timeout = options.stall_timeout,
          .epoch = status.epoch,
          .width = width,
          .height = height,
          .captured_fps = account.captured_fps(now),
          .answered_fps = account.answered_fps(now),
          .frame_threads = frame_threads,
          .ages = ages_of(account.ages_ms(), account.last_age_ms()),
          .quality = std::string(account.quality(status.state, now)),
          .sheds = shed.sheds() && status.state == StreamState::kRunning,
          .circuit_open = circuit.open(),
          .last_answer = last_answer};
}

pipeline::SourceStats Lane::stats(Clock::TimePoint now) const {
  const StreamCounts& counts = account.counts();
  return {.captured = counts.captured,
          .ok = counts.ok + counts.late,
          .failed = counts.failed,
          .dropped = counts.dropped(),
          .wall_s = seconds(now - began),
          .whole = whole};
}

}  // namespace zoo::streams
