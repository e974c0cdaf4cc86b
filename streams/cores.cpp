#include "streams/cores.h"

#include "pipeline/tasks/opencv_threads.h"

namespace zoo::streams {

void limit_library_threads(pipeline::ReadOptions& options) {
  pipeline::limit_opencv_threads();
  options.threads = 1;
}

}  // namespace zoo::streams
