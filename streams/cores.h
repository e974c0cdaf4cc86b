// How a run with many streams shares the cores: one thread per frame that is worked on, one per source that is read.
// The one place that says how many threads OpenCV and FFmpeg may have in it.
#pragma once

#include "pipeline/video/frame_source.h"

namespace zoo::streams {

/// Sets OpenCV's threads to the calling one (pipeline/tasks/opencv_threads.h) and FFmpeg's to one for each source:
/// several sources already are several threads, and the workers want the cores.
void limit_library_threads(pipeline::ReadOptions& options);

}  // namespace zoo::streams
