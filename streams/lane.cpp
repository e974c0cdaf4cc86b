#include "streams/lane.h"

#include <utility>

#include <fmt/format.h>

#include "nn/core/counted.h"

namespace zoo::streams {
namespace {

double seconds(Clock::Duration time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

Lane::Lane(size_t number, StreamOptions stream_options, size_t most_at_work, Clock::TimePoint now)
    : stream(number), options(std::move(stream_options)), mailbox(options.policy, most_at_work), began(now) {}

std::string Lane::say(const std::string& what) const { return fmt::format("{}: {}", options.name, what); }

std::string Lane::note_status(const SourceStatus& told, const pipeline::SourceInfo& source, Clock::TimePoint now) {
  const StreamState before = std::exchange(status, told).state;
  switch (status.state) {
    case StreamState::kOpening:
    case StreamState::kWaiting:
      return status.cause == pipeline::LossCause::kNone ? "" : note_loss(before == StreamState::kStalled, now);
    case StreamState::kStalled:
      break;
    case StreamState::kRunning:
      if (!info) {
        info = source;
        info->stream_name = options.name;
      }
      reading_since = now;
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
  if (lost_since && !was_silent) return {};
  if (!lost_since) {
    lost_since = now;
    account.note_interruption(now);
  }
  return say(fmt::format("{} ({}); it is opened again until it is back", status.message, to_string(status.cause)));
}

std::string Lane::note_return(Clock::TimePoint now) {
  if (!lost_since) return {};
  const double gone_s = seconds(now - *std::exchange(lost_since, std::nullopt));
  return say(fmt::format("is back after {:.1f} s", gone_s));
}

std::string Lane::note_frames(Clock::TimePoint now) {
  if (status.state != StreamState::kStalled) return {};
  status.state = StreamState::kRunning;
  status.message.clear();
  return note_return(now);
}

std::string Lane::note_answer(const std::string& problem, int64_t model_version, Clock::TimePoint now) {
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

void Lane::look_for_silence(Clock::TimePoint now, std::vector<std::string>& messages) {
  if (status.state != StreamState::kRunning || !reading_since) return;
  // A source that ends its stalls itself knows better what is wrong.
  const auto limit = options.stall_timeout * (info && info->ends_stalls ? 2 : 1);
  if (now - *reading_since <= limit) return;
  status.state = StreamState::kStalled;
  status.message = fmt::format("no frame for {} s", seconds(limit));
  lost_since = *reading_since;
  account.note_interruption(now);
  messages.push_back(say(fmt::format("{}; it is waited for", status.message)));
}

void Lane::look_for_shedding(std::vector<std::string>& messages) {
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
          .epoch = status.epoch,
          .width = width,
          .height = height,
          .captured_fps = account.captured_fps(now),
          .answered_fps = account.answered_fps(now),
          .ages = ages_of(account.ages_ms(), account.last_age_ms()),
          .quality = std::string(account.quality(status.state, now)),
          .sheds = shed.sheds(),
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
