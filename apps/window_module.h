// OpenCV's windows as the face of a module (nn/core/module.h): they load a toolkit of a hundred libraries.
#pragma once

#include <string>

#include <opencv2/core/mat.hpp>

namespace zoo::apps {

/// Main thread only; a window goes by its title. Throw cv::Exception.
struct WindowModule {
  void (*open)(const std::string& title);
  void (*close)(const std::string& title);
  void (*show)(const std::string& title, const cv::Mat& image);
  bool (*is_visible)(const std::string& title);
  int (*wait_key)(int wait_ms);  ///< negative: none was pressed
};

/// Throws Error where the module cannot be loaded or is not in this build.
const WindowModule& window_module();

}  // namespace zoo::apps
