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

void Dispatcher::predict(PredictJob job) {
  const std::shared_ptr<const ServedModel> model = place_.model.current();
  job.item.model_version = model->version;
  if (job.wants_copy) job.copy = job.item.frame.image.clone();  // the picture may be drawn on
  pipeline::FrameEvent event;
  const std::optional<std::string> problem = problem_of(*model, job.item);
  if (problem) {
    const pipeline::Frame& frame = job.item.frame;
    event = pipeline::FrameFailure{.source = frame.source,
                                   .index = frame.index,
                                   .kind = pipeline::FailureKind::kProcessing,
                                   .message = fmt::format("{}: {}", frame.source, *problem),
                                   .stream = frame.stream,
                                   .epoch = frame.epoch};
  } else {
    for (const auto& sink : place_.sinks) sink->prepare(job.item);
    event = std::move(job.item);
  }
  place_.messages.say(place_.scheduler.answer(job, std::move(event), problem.value_or(""), model->version));
}

/// Of a service, whatever goes wrong with one frame is that frame's; see Circuit.
std::optional<std::string> Dispatcher::problem_of(const ServedModel& model, pipeline::ProcessedFrame& item) {
  try {
    item.result = model.predict(item.frame.image);
    return std::nullopt;
  } catch (const std::exception& error) {
    return *error.what() != '\0' ? error.what() : "it cannot be worked on";
  }
}

void Dispatcher::deliver(DeliverJob job) {
  Lane& lane = *job.lane;
  std::string words;
  if (job.begin) {
    for (const auto& sink : place_.sinks) sink->begin(lane.stream, *job.begin);
  }
  if (job.event) {
    if (auto* item = std::get_if<pipeline::ProcessedFrame>(&*job.event)) {
      if (lane.filter) lane.filter(*item);
      words = answer_words(item->result);
    }
    deliver_event(std::move(*job.event));
  }
  if (job.end) {
    for (const auto& sink : place_.sinks) sink->end(lane.stream, *job.end);
  }
  place_.scheduler.delivered(job, std::move(words));
}

void Dispatcher::deliver_event(pipeline::FrameEvent event) {
  const auto wants_drawing = [](const auto& sink) { return sink->wants_drawing(); };
  auto* item = std::get_if<pipeline::ProcessedFrame>(&event);
  std::shared_ptr<const pipeline::FrameEvent> drawn;
  if (item != nullptr) {
    item->age_ms = std::chrono::duration<double, std::milli>(place_.clock.now() - item->frame.captured_at).count();
  }
  if (item != nullptr && std::ranges::any_of(place_.sinks, wants_drawing)) {
    const bool some_want_plain =
        std::ranges::any_of(place_.sinks, [](const auto& sink) { return sink->wants_plain(); });
    if (some_want_plain) {
      auto copy = std::make_shared<pipeline::FrameEvent>(event);
      auto& copied = std::get<pipeline::ProcessedFrame>(*copy);
      copied.frame.image = item->frame.image.clone();
      draw(copied);
      drawn = std::move(copy);
    } else {
      draw(*item);
    }
  }
  const auto plain = std::make_shared<const pipeline::FrameEvent>(std::move(event));
  for (const auto& sink : place_.sinks) sink->write(drawn && sink->wants_drawing() ? drawn : plain);
}

void Dispatcher::draw(pipeline::ProcessedFrame& item) {
  const Stopwatch watch;
  pipeline::draw_result(item.frame.image, item.result);
  item.draw_ms = watch.elapsed_ms();
}

}  // namespace zoo::streams
