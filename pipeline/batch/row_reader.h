// Reads the lines of a part with the rows that they belong to.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

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
  /// The frame, which ascends within a row; -1 where the record does not say it.
  int64_t frame() const { return frame_; }
  /// What tells the records of a frame apart and ascends: the rank of a guess; 0 where a frame has one record; nothing
  /// where it may have several that do not say it (boxes, classes).
  std::optional<int64_t> rank() const { return rank_; }
  /// The record with its line feed.
  const std::string& record() const { return record_; }
  /// The first line of a table with its line feed; else empty.
  const std::string& head() const { return head_; }
  /// `FILE:LINE` of the record.
  std::string where() const;

 private:
  bool read_record();
  void take_object_place(std::string_view text);
  void take_table_place();

  std::filesystem::path file_;
  LineFormat format_;
  std::ifstream stream_;
  std::string head_;
  std::string record_;
  int64_t row_ = -1;
  int64_t frame_ = -1;
  std::optional<int64_t> rank_;
  std::optional<size_t> frame_column_;  ///< of a table
  std::optional<size_t> rank_column_;
  int64_t line_ = 0;       ///< of the record
  int64_t next_line_ = 1;  ///< of the one that comes
};

}  // namespace zoo::batch
