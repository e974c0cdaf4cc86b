// OpenCV's own threads.
#pragma once

namespace zoo::pipeline {

/// Sets them to one, the calling one, at its first call in the process: frames are small, and networks and pipelines
/// have threads of their own, with which OpenCV's pool would fight for the same cores. Whatever loads or runs networks
/// calls it; a program that wants OpenCV's pool for work of its own calls cv::setNumThreads afterwards.
void limit_opencv_threads();

}  // namespace zoo::pipeline
