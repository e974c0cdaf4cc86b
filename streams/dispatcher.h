// The workers of a run, and what they do.
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "pipeline/result_sink.h"
#include "streams/clock.h"
#include "streams/messages.h"
#include "streams/model_slot.h"
#include "streams/scheduler.h"
#include "streams/sink_runner.h"

namespace zoo::streams {

/// What workers need; all of it outlives the dispatcher.
struct WorkPlace {
  Clock& clock;
  Scheduler& scheduler;
  ModelSlot& model;
  std::vector<std::unique_ptr<SinkRunner>>& sinks;
  Messages& messages;
};

/// Threads that each do one job of the scheduler after the other: work on a frame with the model of the moment, or hand
/// an answer to the sinks, drawn on where one of them wants that.
class Dispatcher {
 public:
  /// Throws EngineError where the system has no more threads.
  Dispatcher(const WorkPlace& place, int workers);

  /// Waits for the threads, which end when the scheduler was stopped and everything is finished. May be called again.
  void join();

 private:
  void work();
  void predict(PredictJob job);
  void deliver(DeliverJob job);

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
