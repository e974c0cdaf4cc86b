#include "streams/cores.h"

#include <algorithm>

#include "pipeline/tasks/opencv_threads.h"

namespace zoo::streams {

int threads_per_frame(size_t cores, size_t frames, size_t most) {
  return static_cast<int>(std::min(most, cores / std::clamp<size_t>(frames, 1, cores)));
}

void limit_library_threads(pipeline::ReadOptions& options) {
  pipeline::limit_opencv_threads();
  options.threads = 1;
}

}  // namespace zoo::streams
