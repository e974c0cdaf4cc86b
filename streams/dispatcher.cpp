#include "streams/dispatcher.h"

#include <algorithm>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include "nn/core/start_thread.h"
#include "nn/core/stopwatch.h"
#include "pipeline/tasks/task_result.h"
#include "streams/answer_words.h"

namespace zoo::streams {

Dispatcher::Dispatcher(const WorkPlace& place, int workers) : place_(place) {
  try {
    for (int i = 0; i < workers; ++i) {
      threads_.push_back(start_thread(fmt::format("zoo-worker{}", i), [this] { work(); }));
    }
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

void Dispatcher::work() {
  while (std::optional<Job> job = place_.scheduler.next()) {
    if (auto* frame = std::get_if<PredictJob>(&*job)) {
      predict(std::move(*frame));
    } else {
      deliver(std::get<DeliverJob>(std::move(*job)));
    }
  }
}

namespace {

/// Of a service, whatever goes wrong with one frame is that frame's; see Circuit.
template <typename Work>
std::optional<std::string> problem_of(Work work) {
  try {
    work();
    return std::nullopt;
  } catch (const std::exception& error) {
    return *error.what() != '\0' ? error.what() : "it cannot be worked on";
  }
}

pipeline::FrameFailure failure_of(const pipeline::Frame& frame, const std::string& problem) {
  return {.source = frame.source,
          .index = frame.index,
          .kind = pipeline::FailureKind::kProcessing,
          .message = fmt::format("{}: {}", frame.source, problem),
          .stream = frame.stream,
          .epoch = frame.epoch};
}

void draw(pipeline::ProcessedFrame& item) {
  const Stopwatch watch;
  pipeline::draw_result(item.frame.image, item.result);
  item.draw_ms = watch.elapsed_ms();
}

}  // namespace

void Dispatcher::predict(PredictJob job) {
  const std::shared_ptr<const ServedModel> model = place_.model.current();
  pipeline::ProcessedFrame& item = job.item;
  item.model_version = model->version;
  if (job.wants_copy) job.copy = item.frame.image.clone();  // the picture may be drawn on
  const std::optional<std::string> problem = problem_of([&] { item.result = model->predict(item.frame.image); });
  pipeline::FrameEvent event;
  if (problem) {
    event = failure_of(item.frame, *problem);
  } else {
    for (const auto& sink : place_.sinks) sink->prepare(item);
    event = std::move(item);
  }
  place_.messages.say(place_.scheduler.answer(job, std::move(event), problem.value_or(""), model->version));
}

void Dispatcher::deliver(DeliverJob job) {
  Lane& lane = *job.lane;
  if (job.begin) {
    for (const auto& sink : place_.sinks) sink->begin(lane.stream, *job.begin);
  }
  Delivered how;
  if (job.event) {
    SharedEvents events;
    if (const auto problem = problem_of([&] { events = events_of(lane, *job.event, how.last_answer); })) {
      how = {.failed = true, .last_answer = {}};
      const pipeline::Frame& frame = std::get<pipeline::ProcessedFrame>(*job.event).frame;
      events.plain = std::make_shared<const pipeline::FrameEvent>(failure_of(frame, *problem));
    }
    for (const auto& sink : place_.sinks) {
      sink->write(events.drawn && sink->wants_drawing() ? events.drawn : events.plain);
    }
  }
  if (job.end) {
    for (const auto& sink : place_.sinks) sink->end(lane.stream, *job.end);
  }
  place_.scheduler.delivered(job, std::move(how));
}

Dispatcher::SharedEvents Dispatcher::events_of(const Lane& lane, pipeline::FrameEvent& event,
                                               std::string& words) const {
  auto* item = std::get_if<pipeline::ProcessedFrame>(&event);
  if (item == nullptr) return {.plain = std::make_shared<const pipeline::FrameEvent>(std::move(event)), .drawn = {}};
  if (lane.filter) lane.filter(*item);
  words = answer_words(item->result);
  item->age_ms = std::chrono::duration<double, std::milli>(place_.clock.now() - item->frame.captured_at).count();
  const auto some = [&](bool (SinkRunner::*wants)() const) {
    return std::ranges::any_of(place_.sinks, [&](const auto& sink) { return ((*sink).*wants)(); });
  };
  SharedEvents events;
  if (some(&SinkRunner::wants_drawing)) {
    if (some(&SinkRunner::wants_plain)) {
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
