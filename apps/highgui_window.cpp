// Windows through OpenCV's highgui, the module of apps/.
#include <opencv2/highgui.hpp>

#include "apps/window_module.h"

extern "C" [[gnu::visibility("default")]] const zoo::apps::WindowModule* zoo_module_window() {
  static constexpr zoo::apps::WindowModule kModule = {
      [](const std::string& title) { cv::namedWindow(title, cv::WINDOW_NORMAL); },
      [](const std::string& title) { cv::destroyWindow(title); },
      [](const std::string& title, const cv::Mat& image) { cv::imshow(title, image); },
      [](const std::string& title) { return cv::getWindowProperty(title, cv::WND_PROP_VISIBLE) >= 1.0; },
      [](int wait_ms) { return cv::waitKey(wait_ms); },
  };
  return &kModule;
}
