// Results as JSON, one object per line (the `--json` of the program; keys are stable).
//
//   {"source":"cat.jpg","frame":0,"time_s":0.0,"size":[480,640],"top":[{"index":281,"label":"tabby","score":0.81},...],
//    "ms":{"capture":3.1,"preprocess":0.9,"infer":1.5,"draw":0.0}}
//   {"source":"bad.jpg","frame":1,"error":"bad.jpg: the file is empty","kind":"empty"}
//
// `size` is [height, width] of the source frame in pixels; `time_s` is the position in a video. Text that is not UTF-8
// (file names) is repaired with U+FFFD.
#pragma once

#include <string>

#include "pipeline/video_pipeline.h"

namespace zoo::pipeline {

/// One line without the newline.
std::string to_json_line(const PipelineEvent& event);

}  // namespace zoo::pipeline
