// The workers of a run, and what they do.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "nn/core/clock.h"
#include "pipeline/result_sink.h"
#include "streams/messages.h"
#include "streams/model_slot.h"
#include "streams/outlet.h"
#include "streams/scheduler.h"

namespace zoo::streams {

/// What workers need; all of it outlives the dispatcher.
struct WorkPlace {
  Clock& clock;
  Scheduler& scheduler;
  ModelSlot& model;
  std::vector<Outlet*> outlets;
  Messages& messages;
  std::function<void(pipeline::ProcessedFrame&)> draw;
  /// Told of what is not one frame's fault: then the run is over. Empty in a service, where whatever goes wrong with a
  /// frame is that frame's (see Circuit).
  std::function<void(std::exception_ptr)> end_run = {};
};

/// How many threads do what.
struct Crew {
  int workers = 1;
  /// Answers are drawn on and handed on by a thread of their own, not by the workers: for a run with one frame at work
  /// at a time.
  bool delivers_apart = false;
};

/// Threads that each do one job of the scheduler after the other: work on a frame with the model of the moment, or hand
/// an answer to the outlets, drawn on where one of them wants that.
class Dispatcher {
 public:
  /// Throws EngineError where the system has no more threads.
  Dispatcher(WorkPlace place, const Crew& crew);

  /// Waits for the threads, which end when the scheduler was stopped and everything is finished. May be called again.
  void join();

 private:
  void work(Scheduler::Work kind);
  void predict(PredictJob job);
  void deliver(DeliverJob job);

  /// Reads the frame where that is left to the workers, and works on it; leaves in `problem` why it failed.
  pipeline::FrameEvent event_of(PredictJob& job, const ServedModel& model, std::string& problem) const;
  /// Why the frame failed, or nothing.
  template <typename Work>
  std::optional<std::string> problem_of(Work work) const;
  /// The same of work whose errors are never a frame's.
  template <typename Work>
  std::optional<std::string> problem_beside(Work work) const;

  /// An event as the sinks are to see it.
  struct SharedEvents {
    std::shared_ptr<const pipeline::FrameEvent> plain;
    std::shared_ptr<const pipeline::FrameEvent> drawn;  ///< where it is another one
  };
  /// Leaves in `words` the answer in a few. What it throws is the frame's, which is still in `event` then.
  SharedEvents events_of(const Lane& lane, pipeline::FrameEvent& event, std::string& words) const;

  const WorkPlace place_;
  std::vector<std::jthread> threads_;
};

}  // namespace zoo::streams
