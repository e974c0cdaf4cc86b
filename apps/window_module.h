// OpenCV's windows as the face of a module (nn/core/module.h): they load a toolkit of a hundred libraries.
#pragma once

#include <string>

#include <opencv2/core/mat.hpp>

namespace zoo::apps {

/// Main thread only; a window goes by the name that it was opened with. Throw cv::Exception.
struct WindowModule {
  void (*open)(const std::string& window);
  void (*close)(const std::string& window);
  void (*show)(const std::string& window, const cv::Mat& image);
  void (*resize)(const std::string& window, const cv::Size& size);
  void (*set_title)(const std::string& window, const std::string& title);
  bool (*is_visible)(const std::string& window);
  int (*wait_key)(int wait_ms);  ///< negative: none was pressed
  cv::Size (*screen)();          ///< pixels, 0x0 if nobody knows
};

/// Throws Error where the module cannot be loaded or is not in this build.
const WindowModule& window_module();

}  // namespace zoo::apps
