// How a run with many streams shares the cores: one of the workers' for each frame, several where that is allowed and
// fewer frames can be at work at once; one thread per source that is read.
// The one place that says how many threads OpenCV and FFmpeg may have in it.
#pragma once

#include <cstddef>

#include "pipeline/video/frame_source.h"

namespace zoo::streams {

/// Threads that a frame is worked on with, of `cores` (at least 1), where so many frames can be at work at once: one
/// each, or several, at most `most` (at least 1), where there are fewer frames than cores.
int threads_per_frame(size_t cores, size_t frames, size_t most);

/// Sets OpenCV's threads to the calling one (pipeline/tasks/opencv_threads.h) and FFmpeg's to one for each source:
/// several sources already are several threads, and the workers want the cores.
void limit_library_threads(pipeline::ReadOptions& options);

}  // namespace zoo::streams
