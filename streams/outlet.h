// Where workers put what they have done.
#pragma once

#include <cstddef>
#include <memory>

#include "pipeline/result_sink.h"

namespace zoo::streams {

/// Takes what a run tells its sinks, in that order. Thread-safe.
class Outlet {
 public:
  virtual ~Outlet() = default;

  /// ResultSink's; false once it does not work any more.
  virtual bool wants_drawing() const = 0;
  virtual bool wants_plain() const = 0;
  /// In the caller's thread.
  virtual void prepare(pipeline::ProcessedFrame& item) = 0;

  virtual void begin(size_t stream, const pipeline::SourceInfo& source) = 0;
  /// May wait.
  virtual void write(std::shared_ptr<const pipeline::FrameEvent> event) = 0;
  virtual void end(size_t stream, const pipeline::SourceStats& stats) = 0;
};

}  // namespace zoo::streams
