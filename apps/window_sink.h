// Annotated frames in a window.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "apps/display.h"
#include "pipeline/result_sink.h"

namespace zoo::apps {

/// Videos run, pictures wait for a key; the title names the file and where in the run it is: "cat.jpg (3/20)". Says
/// once which keys there are. To be used by the main thread only.
class WindowSink : public pipeline::ResultSink {
 public:
  /// `pictures`: of the whole run.
  WindowSink(std::string name, int64_t pictures) : window_(std::move(name)), pictures_(pictures) {}

  bool wants_drawing() const override { return true; }
  void begin(size_t stream, const pipeline::SourceInfo& source) override;
  void write(const pipeline::FrameEvent& event) override;
  /// The user has closed the window or pressed a key that ends: nothing is shown any more.
  bool closed() const { return closed_; }

 private:
  std::string title_of(const std::string& source, bool is_picture) const;

  Window window_;
  const int64_t pictures_;
  int64_t seen_ = 0;                              ///< of the pictures, those that could not be read included
  std::map<size_t, pipeline::SourceKind> kinds_;  ///< by stream
  bool said_keys_ = false;
  bool closed_ = false;
};

}  // namespace zoo::apps
