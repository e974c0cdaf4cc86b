// Annotated frames in a window.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "apps/display.h"
#include "pipeline/result_sink.h"

namespace zoo::apps {

/// To be used by the main thread only.
class WindowSink : public pipeline::ResultSink {
 public:
  explicit WindowSink(std::string title) : window_(std::move(title)) {}

  bool wants_drawing() const override { return true; }
  void begin(size_t stream, const pipeline::SourceInfo& source) override;
  void write(const pipeline::FrameEvent& event) override;
  /// The user has closed the window or pressed a key that ends: nothing is shown any more.
  bool closed() const { return closed_; }

 private:
  Window window_;
  std::map<size_t, pipeline::SourceKind> kinds_;  ///< by stream
  bool closed_ = false;
};

}  // namespace zoo::apps
