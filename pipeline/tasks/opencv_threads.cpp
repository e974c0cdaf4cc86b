#include "pipeline/tasks/opencv_threads.h"

#include <mutex>

#include <opencv2/core/utility.hpp>

namespace zoo::pipeline {

void limit_opencv_threads() {
  static std::once_flag limited;
  std::call_once(limited, [] { cv::setNumThreads(1); });
}

}  // namespace zoo::pipeline
