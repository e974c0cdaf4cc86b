// What a job writes of its rows, in the form that was asked for.
//
//   jsonl  {"row":3,"frame":0,"source":"a.jpg","time_s":0.0,"size":[480,640],"top":[...]}         a line per frame
//   flat   {"row":3,"source":"a.jpg","frame":0,"time_s":0.0,"height":480,"width":640,"rank":1,
//           "index":281,"label":"tabby","score":0.81,"error":null,"listed_bytes":null}            a line per guess, box
//           or class
//   csv    row,source,frame,time_s,rank,index,label,score,error,listed_bytes                      the same as a table
//
// Flat lines hold no lists and no objects, and all of a task have the same keys, so that tables (Parquet) take them as
// they are: what a frame without a result has not is null. `listed_bytes` is what the manifest says of a file that has
// another size now; a JSON line of any other file has no such key.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pipeline/result_sink.h"
#include "sinks/csv_rows.h"
#include "sinks/json_lines.h"

namespace zoo::sinks {

enum class RowFormat { kJsonLines, kFlat, kCsv };

/// "jsonl", "flat", "csv".
std::string_view to_string(RowFormat format);
/// ".jsonl", ".csv".
std::string_view extension_of(RowFormat format);

/// What a file begins with: the header of a table with its line feed, else nothing.
std::string row_head(RowFormat format, const CsvColumns& columns);

/// The lines of a frame, or of one that failed among others that did not, each with its line feed.
std::string row_lines(const pipeline::FrameEvent& event, const RowNumber& number, RowFormat format,
                      const CsvColumns& columns);

}  // namespace zoo::sinks
