// Results as a table (csv_rows.h).
#pragma once

#include <string>

#include "pipeline/result_sink.h"
#include "sinks/csv_rows.h"
#include "sinks/text_output.h"

namespace zoo::sinks {

/// A header, then the rows of each frame and failure, written at once and in one piece.
class CsvSink : public pipeline::ResultSink {
 public:
  /// `path`: "-" for standard output. Opens the file. Throws IoError.
  CsvSink(const std::string& path, const CsvColumns& columns) : out_(path), columns_(columns) {}

  void write(const pipeline::FrameEvent& event) override;
  /// Without any frame the table is its header.
  void finish() override;

 private:
  void write_header_once();

  TextOutput out_;
  CsvColumns columns_;
  bool has_header_ = false;
};

}  // namespace zoo::sinks
