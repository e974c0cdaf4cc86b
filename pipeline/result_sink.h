// What a source's frames become, and who takes it: where streams and sinks meet.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "pipeline/tasks/task_result.h"
#include "pipeline/video/frame.h"

namespace zoo::pipeline {

/// A frame with its result. After the draw stage `frame.image` is the annotated picture.
struct ProcessedFrame {
  Frame frame;
  TaskResult result;
  std::vector<std::string> mask_counts = {};  ///< mask_counts() of a segmentation (rle.h), where they are wanted
  double draw_ms = 0.0;
};

/// What reaches the sink, in the order of capture.
using PipelineEvent = std::variant<ProcessedFrame, FrameFailure>;

}  // namespace zoo::pipeline
