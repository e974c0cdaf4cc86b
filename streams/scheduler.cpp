#include "streams/scheduler.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "streams/cores.h"

namespace zoo::streams {
namespace {

constexpr Clock::TimePoint kNever = Clock::TimePoint::max();
constexpr std::chrono::seconds kLookForShedding{1};
constexpr std::chrono::seconds kCopyEvery{5};

}  // namespace

Scheduler::Scheduler(Clock& clock, const SchedulerOptions& options)
    : clock_(clock),
      workers_(static_cast<size_t>(options.workers)),
      frame_threads_(static_cast<size_t>(options.frame_threads)),
      apart_(options.delivers_apart),
      next_stream_(options.first_stream) {}

std::shared_ptr<Lane> Scheduler::add(StreamOptions options, pipeline::ResultFilter filter,
                                     const std::optional<LaneOptions>& how) {
  const Lock lock(mutex_);
  if (stopping_) throw Error(fmt::format("stream \"{}\": the run has ended, nothing can be added", options.name));
  for (const auto& lane : lanes_) {
    if (lane->removed || lane->options.name != options.name) continue;
    throw Error(fmt::format("stream \"{}\": there is one of that name; give this one another", options.name));
  }
  LaneOptions among_many;
  // With twice as many answers as workers, one that takes long holds up nobody.
  if (options.policy.kind == FramePolicy::Kind::kBlock) among_many.room.most_at_work = 2 * workers_;
  auto lane = std::make_shared<Lane>(next_stream_, std::move(options), how.value_or(among_many), clock_.now());
  lane->filter = std::move(filter);
  lane->served = taken_;  // not before those that wait already
  ++next_stream_;
  lanes_.push_back(lane);
  return lane;
}

std::shared_ptr<Lane> Scheduler::remove(const std::string& name) {
  const Lock lock(mutex_);
  for (const auto& found : lanes_) {
    if (found->removed || found->options.name != name) continue;
    const std::shared_ptr<Lane> lane = found;
    lane->removed = true;
    close(*lane);
    forget_finished();
    return lane;
  }
  return nullptr;
}

void Scheduler::stop() {
  const Lock lock(mutex_);
  stopping_ = true;
  for (const auto& lane : lanes_) close(*lane);
  wake_all();
}

void Scheduler::end_with_streams() {
  const Lock lock(mutex_);
  stopping_ = true;
  wake_all();
}

void Scheduler::wake_all() {
  work_.notify_all();
  deliveries_.notify_all();
}

void Scheduler::close(Lane& lane) {
  if (std::exchange(lane.closed, true)) return;
  lane.mailbox.drop_waiting(DropReason::kShutDown, lane.account);
  lane.room.notify_all();
  wake_all();
}

std::optional<std::string> Scheduler::put(Lane& lane, Captured captured) {
  Lock lock(mutex_);
  if (lane.closed || lane.source_left) return std::nullopt;  // first: the clock may be gone
  const Clock::TimePoint now = clock_.now();
  lane.reading_since.reset();
  lane.account.note_captured(now);
  bool is_lost = false;
  if (auto* result = std::get_if<pipeline::FrameResult>(&captured)) {
    std::visit([&](auto& of_source) { of_source.stream = lane.stream; }, *result);
    const auto* failure = std::get_if<pipeline::FrameFailure>(result);
    is_lost = failure != nullptr && failure->kind == pipeline::FailureKind::kLost;
    if (auto* frame = std::get_if<pipeline::Frame>(result)) {
      frame->captured_at = now;
      frame->wall_time = clock_.wall_time();
      lane.width = frame->image.cols;
      lane.height = frame->image.rows;
    }
  }
  std::string message = is_lost ? "" : lane.note_frames(now);
  clock_.wait_until(lock, lane.room, kNever, [&] { return lane.closed || lane.mailbox.has_room(); });
  if (lane.closed) {
    lane.account.note_dropped(DropReason::kShutDown);
    return std::nullopt;
  }
  lane.mailbox.put(std::move(captured), now, lane.account);
  lane.reading_since = clock_.now();
  if (lane.mailbox.may_take()) work_.notify_one();
  if (lane.mailbox.may_deliver()) changed(Work::kDeliveries).notify_one();
  return message;
}

std::string Scheduler::note_status(Lane& lane, const SourceStatus& status, const pipeline::SourceInfo& info) {
  const Lock lock(mutex_);
  if (lane.source_left) return {};
  return lane.note_status(status, info, clock_.now());
}

void Scheduler::leave_source(Lane& lane) {
  const Lock lock(mutex_);
  leave(lane);
}

void Scheduler::leave(Lane& lane) {
  if (std::exchange(lane.source_left, true)) return;
  lane.reading_since.reset();
  if (lane.status.state != StreamState::kFailed) lane.status.state = StreamState::kEnded;
  wake_all();
}

bool Scheduler::is_silent(const Lane& lane, Clock::Duration limit) const {
  return !lane.source_left && lane.reading_since && clock_.now() - *lane.reading_since > limit;
}

bool Scheduler::leave_silent_source(Lane& lane, const std::function<pipeline::FrameFailure(int64_t)>& loss) {
  const Lock lock(mutex_);
  if (!is_silent(lane, lane.patience())) return false;
  const Clock::TimePoint now = clock_.now();
  pipeline::FrameFailure last = loss(lane.account.counts().captured);
  last.stream = lane.stream;
  lane.account.note_captured(now);
  lane.mailbox.put(std::move(last), now, lane.account);
  leave(lane);
  return true;
}

bool Scheduler::leave_hanging_source(Lane& lane, Clock::Duration limit) {
  const Lock lock(mutex_);
  if (!is_silent(lane, limit)) return false;
  leave(lane);
  return true;
}

bool Scheduler::has_enough(const Lane& lane) const {
  const Lock lock(mutex_);
  const StreamCounts& counts = lane.account.counts();
  return lane.options.max_frames > 0 && counts.captured - counts.dropped() >= lane.options.max_frames;
}

std::optional<Job> Scheduler::next(Work work) {
  Lock lock(mutex_);
  while (true) {
    const Clock::TimePoint now = clock_.now();
    if (std::optional<Job> job = take(work, now)) {
      // Somebody else has to wait for the moment that this thread would have, or can do what there is besides.
      const Clock::TimePoint later = next_try();
      if ((later > now && later != kNever) || has_job(work)) changed(work).notify_one();
      return job;
    }
    if (all_finished()) return std::nullopt;
    const Clock::TimePoint deadline = work == Work::kDeliveries ? kNever : next_try();
    clock_.wait_until(lock, changed(work), deadline, [&] { return has_job(work) || all_finished(); });
  }
}

std::optional<Job> Scheduler::try_next() {
  const Lock lock(mutex_);
  return take(Work::kAny, clock_.now());
}

std::optional<Job> Scheduler::take(Work work, Clock::TimePoint now) {
  if (work != Work::kFrames) {
    if (std::optional<DeliverJob> delivery = take_delivery(now)) return std::move(*delivery);
  }
  if (work != Work::kDeliveries) {
    if (std::optional<PredictJob> frame = take_frame(now)) return std::move(*frame);
  }
  return std::nullopt;
}

std::optional<DeliverJob> Scheduler::take_delivery(Clock::TimePoint now) {
  for (const auto& lane : lanes_) {
    const bool ends = may_end(*lane);
    if (!ends && !lane->mailbox.may_deliver()) continue;
    DeliverJob job{.lane = lane, .begin = {}, .event = {}, .end = {}};
    if (!lane->begin_told && lane->info) job.begin = lane->info;
    lane->begin_told = lane->info.has_value();
    lane->ending = ends;
    if (!ends) {
      job.event = lane->mailbox.begin_delivery(now);
    } else if (lane->begin_told) {
      job.end = lane->stats(now);
    }
    return job;
  }
  return std::nullopt;
}

std::optional<PredictJob> Scheduler::take_frame(Clock::TimePoint now) {
  while (true) {
    std::shared_ptr<Lane> next;
    for (const auto& lane : lanes_) {
      if (may_predict(*lane, now) && (!next || lane->served < next->served)) next = lane;
    }
    if (!next) return std::nullopt;
    std::optional<Mailbox::Taken> taken = next->mailbox.take(now, next->account);
    next->room.notify_one();
    if (!taken) continue;
    next->served = ++taken_;
    next->frame_threads = threads_per_frame(workers_, frames_at_once(), frame_threads_);
    const bool wants_copy = next->is_watched && (next->recent_frame.empty() || now - next->copied_at >= kCopyEvery);
    if (wants_copy) next->copied_at = now;
    return PredictJob{.lane = next,
                      .ticket = taken->ticket,
                      .item = std::move(taken->item),
                      .read = std::move(taken->read),
                      .threads = next->frame_threads,
                      .wants_copy = wants_copy};
  }
}

bool Scheduler::may_predict(const Lane& lane, Clock::TimePoint now) const {
  return lane.mailbox.may_take() && lane.circuit.next_try() <= now;
}

size_t Scheduler::frames_at_once() const {
  size_t frames = 0;
  for (const auto& lane : lanes_) {
    const bool is_silent = lane->closed || lane->status.state != StreamState::kRunning;
    if (!is_silent || !lane->mailbox.empty()) frames += lane->mailbox.most_at_work();
  }
  return frames;
}

bool Scheduler::may_end(const Lane& lane) { return lane.source_left && !lane.ending && lane.mailbox.empty(); }

bool Scheduler::has_job(Work work) const {
  const Clock::TimePoint now = clock_.now();
  return std::ranges::any_of(lanes_, [&](const auto& lane) {
    return (work != Work::kFrames && (lane->mailbox.may_deliver() || may_end(*lane))) ||
           (work != Work::kDeliveries && may_predict(*lane, now));
  });
}

/// When a frame may be tried that waits because of its circuit.
Clock::TimePoint Scheduler::next_try() const {
  Clock::TimePoint next = kNever;
  for (const auto& lane : lanes_) {
    if (lane->mailbox.may_take()) next = std::min(next, lane->circuit.next_try());
  }
  return next;
}

std::string Scheduler::answer(const PredictJob& job, pipeline::FrameEvent event, const std::string& problem,
                              int64_t model_version) {
  const Lock lock(mutex_);
  if (!job.copy.empty()) job.lane->recent_frame = job.copy;
  job.lane->mailbox.answer(job.ticket, std::move(event));
  if (apart_ && job.lane->mailbox.may_deliver()) deliveries_.notify_one();
  return job.lane->note_answer(problem, model_version, clock_.now());
}

void Scheduler::delivered(const DeliverJob& job, Delivered how) {
  const Lock lock(mutex_);
  Lane& lane = *job.lane;
  if (job.event) {
    lane.mailbox.delivered(clock_.now(), how.failed, lane.account);
    if (!how.last_answer.empty()) lane.last_answer = std::move(how.last_answer);
    lane.room.notify_one();  // what is not delivered takes room, too
  } else {
    lane.end_told = true;
  }
  if (apart_ && lane.mailbox.may_take()) work_.notify_one();
  forget_finished();
  if (all_finished()) wake_all();
}

void Scheduler::forget_finished() {
  std::erase_if(lanes_, [&](const auto& lane) {
    if (!lane->removed || !lane->finished()) return false;
    forgotten_ += lane->account.counts();
    return true;
  });
}

bool Scheduler::all_finished() const {
  return stopping_ && std::ranges::all_of(lanes_, [](const auto& lane) { return lane->finished(); });
}

std::vector<std::string> Scheduler::watch() {
  const Lock lock(mutex_);
  const Clock::TimePoint now = clock_.now();
  const bool looks = !looked_ || now - *looked_ >= kLookForShedding;
  if (looks) looked_ = now;
  std::vector<std::string> messages;
  for (const auto& lane : lanes_) {
    if (lane->closed) continue;
    lane->look_for_silence(now, messages);
    if (looks) lane->look_for_shedding(messages);
  }
  return messages;
}

std::vector<StreamSnapshot> Scheduler::snapshot() const {
  std::vector<StreamSnapshot> all;
  const Lock lock(mutex_);
  const Clock::TimePoint now = clock_.now();
  for (const auto& lane : lanes_) {
    if (!lane->removed) all.push_back(lane->snapshot(now));
  }
  return all;
}

size_t Scheduler::streams() const {
  const Lock lock(mutex_);
  return static_cast<size_t>(std::ranges::count_if(lanes_, [](const auto& lane) { return !lane->removed; }));
}

std::vector<cv::Mat> Scheduler::recent_frames() const {
  std::vector<cv::Mat> frames;
  const Lock lock(mutex_);
  for (const auto& lane : lanes_) {
    if (!lane->removed && !lane->recent_frame.empty()) frames.push_back(lane->recent_frame);
  }
  return frames;
}

StreamCounts Scheduler::total() const {
  const Lock lock(mutex_);
  StreamCounts sum = forgotten_;
  for (const auto& lane : lanes_) sum += lane->account.counts();
  return sum;
}

bool Scheduler::idle() const {
  const Lock lock(mutex_);
  return std::ranges::all_of(lanes_, [](const auto& lane) { return lane->finished(); });
}

}  // namespace zoo::streams
