// Windows through OpenCV's highgui, the module of apps/.
#include <dlfcn.h>

#include <opencv2/highgui.hpp>

#include "apps/window_module.h"

namespace {

/// OpenCV has no word for it. libX11 belongs to every toolkit that can draw on an X display, so it is there or there is
/// no X display; its functions are older than its headers' package is common.
cv::Size x_screen() {
  void* const library = dlopen("libX11.so.6", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return {};
  const auto open = reinterpret_cast<void* (*)(const char*)>(dlsym(library, "XOpenDisplay"));
  const auto close = reinterpret_cast<int (*)(void*)>(dlsym(library, "XCloseDisplay"));
  const auto number = reinterpret_cast<int (*)(void*)>(dlsym(library, "XDefaultScreen"));
  const auto width = reinterpret_cast<int (*)(void*, int)>(dlsym(library, "XDisplayWidth"));
  const auto height = reinterpret_cast<int (*)(void*, int)>(dlsym(library, "XDisplayHeight"));
  cv::Size size;
  if (open != nullptr && close != nullptr && number != nullptr && width != nullptr && height != nullptr) {
    if (void* const display = open(nullptr)) {
      size = {width(display, number(display)), height(display, number(display))};
      close(display);
    }
  }
  return size;  // the library stays: it is not made to be unloaded
}

}  // namespace

extern "C" [[gnu::visibility("default")]] const zoo::apps::WindowModule* zoo_module_window() {
  static constexpr zoo::apps::WindowModule kModule = {
      [](const std::string& window) {
        cv::namedWindow(window, cv::WINDOW_NORMAL | cv::WINDOW_KEEPRATIO | cv::WINDOW_GUI_NORMAL);
      },
      [](const std::string& window) { cv::destroyWindow(window); },
      [](const std::string& window, const cv::Mat& image) { cv::imshow(window, image); },
      [](const std::string& window, const cv::Size& size) { cv::resizeWindow(window, size); },
      [](const std::string& window, const std::string& title) { cv::setWindowTitle(window, title); },
      [](const std::string& window) { return cv::getWindowProperty(window, cv::WND_PROP_VISIBLE) >= 1.0; },
      [](int wait_ms) { return cv::waitKey(wait_ms); },
      x_screen,
  };
  return &kModule;
}
