// OpenCV's cv::VideoCapture as the face of a module (nn/core/module.h): it loads two hundred libraries.
#pragma once

#include <memory>
#include <string>

#include <opencv2/core/mat.hpp>

namespace zoo::pipeline {

/// An open camera or GStreamer pipeline. One thread at a time. Throws cv::Exception.
class Capture {
 public:
  virtual ~Capture() = default;
  /// The next frame, a new picture each time; false at the end.
  virtual bool read(cv::Mat& image) = 0;
  /// What the source states of itself; of what it does not know any number, also none.
  virtual double frames() const = 0;
  virtual double fps() const = 0;
};

/// Both yield null where it cannot be opened.
struct CaptureModule {
  std::unique_ptr<Capture> (*open_camera)(int index);
  std::unique_ptr<Capture> (*open_pipeline)(const std::string& description);
};

/// Throws Error where the module cannot be loaded or is not in this build.
const CaptureModule& capture_module();

}  // namespace zoo::pipeline
