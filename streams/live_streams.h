// Many streams at once: capture threads, one set of workers for all, sinks in threads of their own.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <opencv2/core/mat.hpp>

#include "nn/core/clock.h"
#include "nn/core/error.h"
#include "pipeline/result_filter.h"
#include "pipeline/result_sink.h"
#include "streams/account.h"
#include "streams/model_slot.h"
#include "streams/stream_options.h"

namespace zoo::streams {

struct LiveOptions {
  int workers = 1;  ///< frames worked on at a time, and cores for all of them: 1 to engine::kMaxThreads
  /// Of these cores the most for one frame, while fewer frames than workers can be at work: 1 to engine::kMaxThreads.
  /// Faster only where nobody else wants the cores.
  int frame_threads = 1;
  /// Opens a source; what tests put in its place. Empty: open_source, with the stream's timeouts.
  std::function<std::unique_ptr<pipeline::FrameSource>(const StreamOptions&, const pipeline::ReadOptions&)> open = {};
  Clock* clock = nullptr;  ///< null: system_clock()
  /// Streams at a time, those that have ended and were not removed included; each costs a thread and its frames.
  size_t max_streams = 64;
  /// Makes for each stream what changes its answers on their way to the sinks, in the order of capture and before
  /// drawing, e.g. steadies labels. Called from one thread at a time. May be empty, and may yield nothing.
  std::function<pipeline::ResultFilter()> make_filter = {};
  /// What a user should know once: a stream was lost and why, is back, sheds frames; a file was saved; complete, names
  /// the stream. Called from threads of the run, one at a time.
  std::function<void(const std::string&)> on_message = {};
};

/// There are as many streams as a run may have.
class TooManyStreams : public Error {
 public:
  using Error::Error;
};

/// The streams of a run. Frames of each reach every sink in the order of capture, those of several mixed. Every member
/// is thread-safe.
class LiveStreams {
 public:
  /// `sinks`: each gets a thread and a bounded queue of its own; one that throws IoError is left out from then on, said
  /// by `on_message`, and nothing else ends. Throws Error for an option out of range.
  LiveStreams(std::shared_ptr<ModelSlot> model, std::vector<std::unique_ptr<pipeline::ResultSink>> sinks,
              const LiveOptions& options);
  /// stop(), and waits for every thread; below two seconds also where sources hang, or sinks that write
  /// (left_threads.h). Files are completed in their time (SinkRunner).
  ~LiveStreams();
  LiveStreams(const LiveStreams&) = delete;
  LiveStreams& operator=(const LiveStreams&) = delete;

  /// Begins a stream: its number, never used again. Throws Error where the name is taken or an option is out of range,
  /// and TooManyStreams. That its source cannot be opened is no error, but a state.
  size_t add(StreamOptions options);
  /// Ends a stream; what is in flight is finished. False if there is none of that name.
  bool remove(const std::string& name);
  /// All streams that were not removed, in the order of adding; counts of the moment, which add up.
  std::vector<StreamSnapshot> snapshot() const;
  /// Of all streams, removed ones included.
  StreamCounts total() const;
  /// A recent frame of each stream that has yielded one, as it was captured, at most some seconds old while it runs:
  /// what another model can be tried on. Nobody else writes to them.
  std::vector<cv::Mat> recent_frames() const;
  /// In the order that they were given in.
  std::vector<SinkSnapshot> sinks() const;

  /// Whether every stream has ended or failed for good, and everything is answered and written.
  bool done() const;
  /// Takes no more frames; what is in flight is finished and written, the sinks are finished.
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace zoo::streams
