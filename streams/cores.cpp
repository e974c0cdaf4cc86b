#include "streams/cores.h"

#include <algorithm>

#include "nn/core/cores.h"
#include "nn/engine/thread_pool.h"
#include "pipeline/tasks/opencv_threads.h"

namespace zoo::streams {

int usual_workers() { return std::clamp(usable_cores(), 1, engine::kMaxThreads); }

void limit_library_threads(pipeline::ReadOptions& options) {
  pipeline::limit_opencv_threads();
  options.threads = 1;
}

}  // namespace zoo::streams
