// One source from its beginning to its end: the machine of LiveStreams with one stream, whose results come back to the
// thread that called.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "pipeline/result_filter.h"
#include "pipeline/result_sink.h"
#include "pipeline/video/frame.h"
#include "pipeline/video/frame_source.h"

namespace zoo::streams {

/// What to do with a frame. `predict` runs in its own thread, or in several (PipelineOptions), and so does `prepare`,
/// which adds what the sink would else compute (leave it empty for none); `filter`, in the order of the frames, and
/// `draw` (empty for none) run elsewhere and one at a time, where there is a `draw` in a thread of their own; `sink` in
/// the thread that calls run_pipeline: windows and terminals want one thread. An Error of `predict` that belongs to the
/// frame (anything but EngineError and IoError) makes it a FrameFailure; every other exception ends the pipeline.
struct PipelineStages {
  std::function<pipeline::TaskResult(const cv::Mat&)> predict;
  std::function<void(pipeline::ProcessedFrame&)> prepare = {};
  pipeline::ResultFilter filter = {};
  std::function<void(pipeline::ProcessedFrame&)> draw;
  std::function<bool(const pipeline::FrameEvent&)> sink;  ///< false: stop capturing, finish what is under way
};

struct PipelineOptions {
  /// Number of the source in the run, which its frames and failures carry.
  size_t stream = 0;
  /// Threads that read pictures, call `predict` and `prepare`, 1 to engine::kMaxThreads; they must then be safe to call
  /// from all of them at the same time. Results keep the order of capture. A live source is best served by one.
  int predict_threads = 1;
  /// Frames that may wait between two stages; 1 for a live source, whose delay matters more.
  size_t queue_capacity = 4;
  /// Stop after this many frames have gone in (dropped ones not counted); 0 = no limit.
  int64_t max_frames = 0;
  /// Set from outside (a signal handler) to stop capturing; what is under way is finished. May be null.
  const std::atomic<bool>* stop = nullptr;
  /// A live source that yields nothing for this long counts as lost; one that sees to that itself
  /// (SourceInfo::ends_stalls), in twice the time.
  std::chrono::milliseconds stall_timeout{10'000};
  /// How long stopping waits for a frame that the source is about to yield.
  std::chrono::milliseconds stop_grace{2'000};
};

/// Runs until the source ends, `sink` says stop, `stop` is set or a stage throws; then all threads are joined. From a
/// live source the newest frame wins; of any other every frame goes through in order. Rethrows the first exception of
/// any stage, or, once what was captured before is finished, of the source. Throws Error for an option out of range. A
/// source that does not come back from next() in time (see the options) is left to a detached thread, which shares its
/// ownership and touches nothing else (left_threads.h).
pipeline::SourceStats run_pipeline(const std::shared_ptr<pipeline::FrameSource>& source, const PipelineStages& stages,
                                   const PipelineOptions& options = {});

}  // namespace zoo::streams
