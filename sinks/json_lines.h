// Results as JSON, one object per line (the `--json` of the program; keys are stable).
//
//   {"source":"cat.jpg","frame":0,"time_s":0.0,"size":[480,640],"top":[{"index":281,"label":"tabby","score":0.81},...],
//    "ms":{"capture":3.1,"preprocess":0.9,"infer":1.5,"draw":0.0}}
//   {...,"top":[...],"known":false,"known_score":0.41,
//    "steady":{"index":null,"label":"unknown","score":0.0,"share":0.9},"ms":...}
//   {...,"boxes":[{"label":"cat","index":17,"score":0.93,"box":[12.5,40.0,200.1,310.0]},...],"ms":...}
//   {...,"mask":{"rle":[{"label":"cat","index":8,"counts":"f2c1..."}],"classes":{"background":0.7,"cat":0.3}},"ms":...}
//   {...,"mask":{"file":"masks/cat.png","classes":{"background":0.7,"cat":0.3}},"ms":...}
//   {"source":"bad.jpg","frame":1,"error":"bad.jpg: the file is empty","kind":"empty"}
//
// A classification has `top`, a detection `boxes`, a segmentation `mask`. `size` is [height, width] of the source frame
// in pixels; `time_s` is the position in a video; `box` is x0, y0, x1, y1 in pixels of the source frame. Masks are
// COCO's compressed run lengths (rle.h) of the classes that occur, or the palette PNG that was written; `classes` are
// their shares of the pixels. `known` and the score it is decided by come with a model that has `unknown`, `steady`
// (the name that a video has shown of late, and in which share of the window) with one that has `smoothing`. `source`
// is source_text() of its name; any other text that is not UTF-8 is repaired with U+FFFD.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "pipeline/result_sink.h"

namespace zoo::sinks {

/// One line without the newline. `mask_file`: where a segmentation's mask was written; empty: run lengths instead.
/// `stream_name`: SourceInfo::stream_name.
std::string to_json_line(const pipeline::FrameEvent& event, const std::string& mask_file = {},
                         const std::string& stream_name = {});

/// The same of a picture alone, without its place in a video and without times, so that it is the same whoever answers:
/// `source`, `size` and the answer, or `source`, `error` and `kind`. Masks are run lengths.
std::string to_answer_line(const pipeline::FrameEvent& event);

/// Where a result stands in a job: the row of its manifest, and the frame of a video; 0 of a picture.
struct RowNumber {
  int64_t row = 0;
  int64_t frame = 0;
  std::optional<int64_t> listed_bytes = {};  ///< what the manifest says of a file that has another size now
};

/// The line of a job's result or of a frame that failed: as above behind `row` and `frame`, without times, so that it
/// is the same whoever computes it; behind them `listed_bytes` where there are any. Masks are run lengths.
std::string to_row_line(const pipeline::FrameEvent& event, const RowNumber& number);

/// "2026-11-30T10:22:40.123Z".
std::string utc_text(std::chrono::system_clock::time_point time);

}  // namespace zoo::sinks
