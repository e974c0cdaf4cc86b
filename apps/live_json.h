// Results of many streams as JSON lines, and between them what became of all frames.
#pragma once

#include <atomic>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "pipeline/result_sink.h"
#include "sinks/text_output.h"

namespace zoo::apps {

/// A line per frame and failure (sinks/json_lines.h), and those that others write in between, each whole.
class LiveJson : public pipeline::ResultSink {
 public:
  /// `path`: "-" for standard output. Opens the file. Throws IoError.
  explicit LiveJson(const std::string& path) : out_(path) {}

  std::string name() const override { return "--json"; }
  void begin(size_t stream, const pipeline::SourceInfo& source) override;
  void prepare(pipeline::ProcessedFrame& item) const override;
  void write(const pipeline::FrameEvent& event) override;

  /// A line of somebody else. Thread-safe. Throws IoError.
  void write_line(std::string_view json);
  /// Closes the file: after the last line, which may come when all results are written. Throws IoError.
  void close();
  /// Nobody reads standard output any more: nothing is written from then on. Thread-safe.
  bool closed() const { return closed_; }

 private:
  std::mutex mutex_;
  sinks::TextOutput out_;                ///< guarded by mutex_
  std::map<size_t, std::string> names_;  ///< of streams
  std::atomic<bool> closed_ = false;
};

}  // namespace zoo::apps
