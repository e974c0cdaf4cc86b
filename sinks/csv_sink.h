// Results as a table (csv_rows.h).
#pragma once

#include <string>

#include "nn/core/task.h"
#include "pipeline/result_sink.h"
#include "sinks/text_output.h"

namespace zoo::sinks {

/// A header, then the rows of each frame and failure, written at once and in one piece.
class CsvSink : public pipeline::ResultSink {
 public:
  /// `path`: "-" for standard output. `task`: of the model. Opens the file. Throws IoError.
  CsvSink(const std::string& path, Task task) : out_(path), task_(task) {}

  void write(const pipeline::FrameEvent& event) override;
  /// Without any frame the table is its header.
  void finish() override;

 private:
  void write_header_once();

  TextOutput out_;
  Task task_;
  bool has_header_ = false;
};

}  // namespace zoo::sinks
