// Results as a table (the `--csv` of the program; columns are stable).
//
//   source,frame,time_s,rank,index,label,score,error                 classification: a row per guess
//   source,frame,time_s,index,label,score,x0,y0,x1,y1,error          detection: a row per box
//   source,frame,time_s,index,label,share,error                      segmentation: a row per class that occurs
//
// A frame without a result has one row with empty columns, an input that could not be used one with `error`, so that
// every input is in the table. RFC 4180, but lines end in a line feed alone: fields with a comma, a quote or a line
// break are quoted, quotes in them doubled. Text is UTF-8, numbers have a point.
#pragma once

#include <string>

#include "nn/core/task.h"
#include "pipeline/result_sink.h"

namespace zoo::sinks {

/// The first line, without the line feed.
std::string csv_header(Task task);

/// The rows of a frame or a failure, each with its line feed.
std::string csv_rows(const pipeline::FrameEvent& event, Task task);

}  // namespace zoo::sinks
