// What a source's frames become, and who takes it: where streams and sinks meet.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "pipeline/tasks/task_result.h"
#include "pipeline/video/frame.h"
#include "pipeline/video/frame_source.h"

namespace zoo::pipeline {

/// A frame with its result. After drawing `frame.image` is the annotated picture.
struct ProcessedFrame {  // NOLINT(bugprone-exception-escape): cv::Mat's move is not declared noexcept
  Frame frame;
  TaskResult result;
  std::vector<std::string> mask_counts = {};  ///< mask_counts() of a segmentation (rle.h), where they are wanted
  double draw_ms = 0.0;
  int64_t model_version = 1;  ///< of the model that answered, see streams/model_slot.h
  double age_ms = 0.0;        ///< since Frame::captured_at, when it was answered; 0 where nobody keeps that time
  bool late = false;          ///< older than its stream's policy allows by then (streams/stream_options.h)
};

/// What reaches the sinks, of each source in the order of capture.
using FrameEvent = std::variant<ProcessedFrame, FrameFailure>;

/// Every captured frame is accounted for: captured = ok + failed + dropped.
struct SourceStats {
  int64_t captured = 0;
  int64_t ok = 0;
  int64_t failed = 0;
  int64_t dropped = 0;  ///< live sources only: replaced by a newer frame before the network saw it
  double wall_s = 0.0;
  bool whole = false;  ///< the source has ended by itself: nobody stopped before it had yielded everything
};

/// What has become of the events that a sink was given which sends them to somebody who may be away: at every moment
/// those that were written = delivered + dropped + waiting.
struct Delivery {
  int64_t delivered = 0;
  int64_t dropped = 0;
  int64_t waiting = 0;
  bool connected = false;
  bool away = false;         ///< the last try to connect has failed, or the connection was lost
  int64_t reconnects = 0;    ///< connections after the first
  std::string message = {};  ///< why it is away; empty while it is not
  int64_t lost = 0;          ///< of `dropped`, those of sources that wait so that nothing is lost (files)
  bool ended = false;        ///< nothing is sent any more
};

/// One kind of output of a run: JSON lines, pictures, a window. Knows nothing of threads: one calls it at a time, but
/// for prepare(). Every member throws IoError where the output cannot be written any more.
class ResultSink {
 public:
  virtual ~ResultSink() = default;

  /// What pages and messages call it.
  virtual std::string name() const { return "output"; }
  /// Whether `write` wants annotated pictures; else nobody may have drawn.
  virtual bool wants_drawing() const { return false; }
  /// Whether `write` wants pictures as they were captured, also where another sink wants them annotated.
  virtual bool wants_plain() const { return false; }
  /// What becomes of events that come faster than `write` takes them, where sinks have threads of their own.
  enum class WhenSlow {
    kWait,        ///< everything is written; the workers wait, and cameras' frames are replaced by newer ones
    kDropOldest,  ///< the newest are written; nobody waits. For what is only looked at
  };
  virtual WhenSlow when_slow() const { return WhenSlow::kWait; }
  /// How long a call may take where sinks have threads of their own: one that takes longer hangs (a network drive), and
  /// is given up as one that throws, so that it does not hold up everything else.
  virtual std::chrono::milliseconds time_limit() const { return std::chrono::seconds(60); }
  /// A source was opened; its events carry `stream`, its number in the run (Frame::stream).
  virtual void begin(size_t /*stream*/, const SourceInfo& /*source*/) {}
  /// Adds to a frame, before it was drawn on, what `write` would else compute. Thread-safe.
  virtual void prepare(ProcessedFrame& /*item*/) const {}
  virtual void write(const FrameEvent& event) = 0;
  /// The source has ended or was given up: completes the files that are its own.
  virtual void end(size_t /*stream*/, const SourceStats& /*stats*/) {}
  /// The run has ended: completes everything else. What an exception keeps from finish() is completed by the destructor
  /// as far as it goes, without a word.
  virtual void finish() {}
  /// Of a sink that sends to somebody who may be away. Thread-safe.
  virtual std::optional<Delivery> delivery() const { return std::nullopt; }
  /// What was completed since the last call, for a message: "out/cat.jpg", "12 masks in out".
  virtual std::vector<std::string> saved() { return {}; }
};

}  // namespace zoo::pipeline
