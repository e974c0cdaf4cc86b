#include "streams/dispatcher.h"

#include <algorithm>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include "nn/core/start_thread.h"
#include "nn/core/stopwatch.h"
#include "pipeline/tasks/frame_errors.h"
#include "pipeline/tasks/result_words.h"

namespace zoo::streams {

Dispatcher::Dispatcher(WorkPlace place, const Crew& crew) : place_(std::move(place)) {
  using Work = Scheduler::Work;
  const Work of_workers = crew.delivers_apart ? Work::kFrames : Work::kAny;
  try {
    for (int i = 0; i < crew.workers; ++i) {
      threads_.push_back(start_thread(fmt::format("zoo-worker{}", i), [this, of_workers] { work(of_workers); }));
    }
    if (crew.delivers_apart) threads_.push_back(start_thread("zoo-draw", [this] { work(Work::kDeliveries); }));
  } catch (...) {
    place_.scheduler.stop();  // or those that run would not end
    throw;
  }
}

void Dispatcher::join() {
  for (std::jthread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void Dispatcher::work(Scheduler::Work kind) {
  while (std::optional<Job> job = place_.scheduler.next(kind)) {
    if (auto* frame = std::get_if<PredictJob>(&*job)) {
      predict(std::move(*frame));
    } else {
      deliver(std::get<DeliverJob>(std::move(*job)));
    }
  }
}

namespace {

template <typename Work>
std::optional<std::string> problem_of_service(Work work) {
  try {
    work();
    return std::nullopt;
  } catch (const std::exception& error) {
    return *error.what() != '\0' ? error.what() : "it cannot be worked on";
  }
}

}  // namespace

template <typename Work>
std::optional<std::string> Dispatcher::problem_of(Work work) const {
  if (!place_.end_run) return problem_of_service(work);
  std::optional<std::string> problem;
  const auto beside = problem_beside([&] { problem = pipeline::problem_of_frame(work); });
  return beside ? beside : problem;
}

template <typename Work>
std::optional<std::string> Dispatcher::problem_beside(Work work) const {
  if (!place_.end_run) return problem_of_service(work);
  try {
    work();
    return std::nullopt;
  } catch (...) {
    place_.end_run(std::current_exception());
    return "the run has ended";
  }
}

namespace {

pipeline::FrameFailure failure_of(const pipeline::Frame& frame, const std::string& problem) {
  return {.source = frame.source,
          .index = frame.index,
          .kind = pipeline::FailureKind::kProcessing,
          .message = fmt::format("{}: {}", frame.source, problem),
          .stream = frame.stream,
          .epoch = frame.epoch};
}

}  // namespace

pipeline::FrameEvent Dispatcher::event_of(PredictJob& job, const ServedModel& model, std::string& problem) const {
  pipeline::ProcessedFrame& item = job.item;
  std::optional<pipeline::FrameFailure> unread;
  auto found = problem_beside([&] {
    if (!job.read) return;
    pipeline::FrameResult result = job.read();
    std::visit([&](auto& of_source) { of_source.stream = job.lane->stream; }, result);
    if (auto* frame = std::get_if<pipeline::Frame>(&result)) {
      item.frame = std::move(*frame);
      item.frame.captured_at = place_.clock.now();
      item.frame.wall_time = place_.clock.wall_time();
    } else {
      unread = std::get<pipeline::FrameFailure>(std::move(result));
    }
  });
  if (unread) return *std::move(unread);
  if (job.wants_copy) job.copy = item.frame.image.clone();
  item.model_version = model.version;
  if (!found) found = problem_of([&] { item.result = model.predict(item.frame.image, job.threads); });
  if (!found) {
    found = problem_beside([&] {
      for (Outlet* outlet : place_.outlets) outlet->prepare(item);
    });
  }
  if (!found) return std::move(item);
  problem = *std::move(found);
  return failure_of(item.frame, problem);
}

void Dispatcher::predict(PredictJob job) {
  const std::shared_ptr<const ServedModel> model = place_.model.current();
  std::string problem;
  pipeline::FrameEvent event = event_of(job, *model, problem);
  place_.messages.say(place_.scheduler.answer(job, std::move(event), problem, model->version));
}

void Dispatcher::deliver(DeliverJob job) {
  Lane& lane = *job.lane;
  if (job.begin) {
    for (Outlet* outlet : place_.outlets) outlet->begin(lane.stream, *job.begin);
  }
  Delivered how;
  if (job.event) {
    SharedEvents events;
    if (const auto problem = problem_beside([&] { events = events_of(lane, *job.event, how.last_answer); })) {
      how = {.failed = true, .last_answer = {}};
      const pipeline::Frame& frame = std::get<pipeline::ProcessedFrame>(*job.event).frame;
      events.plain = std::make_shared<const pipeline::FrameEvent>(failure_of(frame, *problem));
    }
    for (Outlet* outlet : place_.outlets) {
      outlet->write(events.drawn && outlet->wants_drawing() ? events.drawn : events.plain);
    }
  }
  if (job.end) {
    for (Outlet* outlet : place_.outlets) outlet->end(lane.stream, *job.end);
  }
  place_.scheduler.delivered(job, std::move(how));
}

Dispatcher::SharedEvents Dispatcher::events_of(const Lane& lane, pipeline::FrameEvent& event,
                                               std::string& words) const {
  auto* item = std::get_if<pipeline::ProcessedFrame>(&event);
  if (item == nullptr) return {.plain = std::make_shared<const pipeline::FrameEvent>(std::move(event)), .drawn = {}};
  if (lane.filter) lane.filter(*item);
  if (lane.is_watched) words = pipeline::brief_words_of(item->result);
  const auto draw = [&](pipeline::ProcessedFrame& on) {
    const Stopwatch watch;
    place_.draw(on);
    on.draw_ms = watch.elapsed_ms();
  };
  const auto some = [&](bool (Outlet::*wants)() const) {
    return std::ranges::any_of(place_.outlets, [&](const Outlet* outlet) { return (outlet->*wants)(); });
  };
  SharedEvents events;
  if (some(&Outlet::wants_drawing)) {
    if (some(&Outlet::wants_plain)) {
      auto copy = std::make_shared<pipeline::FrameEvent>(event);
      auto& copied = std::get<pipeline::ProcessedFrame>(*copy);
      copied.frame.image = item->frame.image.clone();
      draw(copied);
      events.drawn = std::move(copy);
    } else {
      draw(*item);
    }
  }
  events.plain = std::make_shared<const pipeline::FrameEvent>(std::move(event));
  return events;
}

}  // namespace zoo::streams
