// Results of many streams as JSON lines, and between them what became of all frames.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "pipeline/result_sink.h"
#include "sinks/text_output.h"

namespace zoo::apps {

/// A line per frame and failure (sinks/json_lines.h), and those that others write in between, each whole.
class LiveJson : public pipeline::ResultSink {
 public:
  /// `path`: "-" for standard output. `name_of`: asked once for the name of each stream, also of one that could never
  /// be opened. Opens the file. Throws IoError.
  LiveJson(const std::string& path, std::function<std::string(size_t)> name_of)
      : name_of_(std::move(name_of)), out_(path) {}

  std::string name() const override { return "--json"; }
  void prepare(pipeline::ProcessedFrame& item) const override;
  void write(const pipeline::FrameEvent& event) override;

  /// A line of somebody else; left out while another hangs. Thread-safe. Throws IoError the first time that it cannot
  /// be written; nothing is written from then on.
  void write_line(std::string_view json);
  /// Closes the file: after the last line, which may come when all results are written. Throws IoError, also where a
  /// line hangs.
  void close();
  /// Nobody reads standard output any more: nothing is written from then on. Thread-safe.
  bool closed() const { return closed_; }
  /// Whether something could not be written. Thread-safe.
  bool failed() const { return failed_; }

 private:
  /// With the lock held.
  template <typename Work>
  void attempt(Work work);

  const std::function<std::string(size_t)> name_of_;
  std::map<size_t, std::string> names_;  ///< of streams
  std::timed_mutex mutex_;
  sinks::TextOutput out_;  ///< guarded by mutex_
  std::atomic<bool> closed_ = false;
  std::atomic<bool> failed_ = false;
};

}  // namespace zoo::apps
