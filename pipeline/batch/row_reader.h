// Reads the lines of a part with the rows that they belong to.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "pipeline/batch/job_key.h"

namespace zoo::batch {

/// One record after the other, as they stand.
class RowReader {
 public:
  /// `format`: kCsv for a table with a header. Throws IoError where the file cannot be read.
  RowReader(std::filesystem::path file, LineFormat format);

  /// False at the end. Throws IoError (`FILE:LINE: problem`) for a record that does not begin with a row, or that has
  /// no end.
  bool next();

  int64_t row() const { return row_; }
  /// The frame, where an object says it right behind the row: once each, ascending; else -1.
  int64_t frame() const { return frame_; }
  /// The record with its line feed.
  const std::string& record() const { return record_; }
  /// The first line of a table with its line feed; else empty.
  const std::string& head() const { return head_; }
  /// `FILE:LINE` of the record.
  std::string where() const;

 private:
  bool read_record();

  std::filesystem::path file_;
  LineFormat format_;
  std::ifstream stream_;
  std::string head_;
  std::string record_;
  int64_t row_ = -1;
  int64_t frame_ = -1;
  int64_t line_ = 0;       ///< of the record
  int64_t next_line_ = 1;  ///< of the one that comes
};

}  // namespace zoo::batch
