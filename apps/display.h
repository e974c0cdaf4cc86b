// The window of `--show`.
//
// OpenCV's window toolkit ends the whole process when it finds no display, so a copy of this program tries first.
#pragma once

#include <optional>
#include <string>

#include <opencv2/core/mat.hpp>

namespace zoo::apps {

/// Why no window can be opened; empty if one can. Starts a child process. To be called before other threads exist.
std::string display_problem();

/// Whether this process is that child, and what it does then: opens a window and yields the exit code.
bool is_display_probe(int argc, char** argv);
int probe_display();

/// One window, as large as what it shows (window_size.h) until the user changes that. To be used by the main thread
/// only.
class Window {
 public:
  explicit Window(std::string name);
  ~Window();
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;

  /// What stands above it.
  void set_title(const std::string& title);
  /// Shows a picture, and nothing more.
  void present(const cv::Mat& image);
  /// The key that was pressed since the last call, -1 for none; nothing when the user closed the window or pressed q or
  /// Esc. Also what keeps the window alive: to be called often.
  std::optional<int> key();
  /// Shows a frame of a video. False when the user closed the window or pressed q or Esc.
  bool show(const cv::Mat& image);
  /// Shows a picture until a key is pressed or the program is stopped. False as show().
  bool show_and_wait(const cv::Mat& image);

 private:
  bool poll(int wait_ms, int& key) const;

  const std::string name_;
  const cv::Size screen_;
  std::string title_;
  cv::Size shown_;
};

}  // namespace zoo::apps
