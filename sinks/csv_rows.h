// Results as a table (the `--csv` of the program; columns are stable).
//
//   source,frame,time_s,rank,index,label,score,error                 classification: a row per guess
//   source,frame,time_s,rank,index,label,score,error,known,steady    the same of a model with `unknown`, `smoothing`
//   source,frame,time_s,index,label,score,x0,y0,x1,y1,error          detection: a row per box
//   source,frame,time_s,index,label,share,error                      segmentation: a row per class that occurs
//
// `known` is true or false, `steady` the name that a video has shown of late (empty for pictures); a model without one
// of these keys has no such column. A frame without a result has one row with empty columns, an input that could not be
// used one with `error`, so that every input is in the table. RFC 4180, but lines end in a line feed alone: fields with
// a comma, a quote or a line break are quoted, quotes in them doubled. Text is UTF-8, numbers have a point.
#pragma once

#include <string>

#include "models/model_config.h"
#include "nn/core/task.h"
#include "pipeline/result_sink.h"
#include "sinks/json_lines.h"

namespace zoo::sinks {

/// Which columns a table has.
struct CsvColumns {
  Task task = Task::kClassification;
  bool known = false;   ///< of a classification
  bool steady = false;  ///< of a classification

  CsvColumns(Task of_task) : task(of_task) {}  // NOLINT(google-explicit-constructor): a task says all of most tables
  /// What results of this model have.
  explicit CsvColumns(const models::ModelConfig& config);
};

/// The first line, without the line feed.
std::string csv_header(const CsvColumns& columns);

/// The rows of a frame or a failure, each with its line feed.
std::string csv_rows(const pipeline::FrameEvent& event, const CsvColumns& columns);
/// The same in the table of a job, whose first column is `row` and whose last is `listed_bytes`.
std::string csv_rows(const pipeline::FrameEvent& event, const CsvColumns& columns, const RowNumber& number);

}  // namespace zoo::sinks
