// Debian's Chromium without a window, driven by its chromium-driver: WebDriver is JSON over HTTP.
#pragma once

#include <functional>
#include <string>
#include <sys/types.h>

#include <nlohmann/json.hpp>

namespace zoo::test {

/// One window. Every member throws std::runtime_error where the browser refuses.
class Browser {
 public:
  Browser();
  ~Browser();
  Browser(const Browser&) = delete;
  Browser& operator=(const Browser&) = delete;

  void open(const std::string& url);
  /// Of the page, in its own pixels; `ratio`: how many of the screen's each has.
  void set_size(int width, int height, double ratio = 1.0);
  void set_dark(bool dark);
  /// Bytes per second that the network brings.
  void set_download(int bytes_per_second);
  /// What `return ...;` yields.
  nlohmann::json run(const std::string& script);
  /// Waits until an expression of JavaScript is true: false after a minute.
  bool wait_for(const std::string& expression);
  /// The window as a PNG.
  void save_screenshot(const std::string& file);
  /// Errors that the page has written to its console since the last call, one per line.
  std::string errors();

 private:
  nlohmann::json ask(const std::string& method, const std::string& path, const nlohmann::json& body = {});
  void cdp(const std::string& command, const nlohmann::json& parameters);
  int start_driver();
  void end_driver() const;

  pid_t driver_ = -1;
  int port_ = 0;
  std::string session_;
};

}  // namespace zoo::test
