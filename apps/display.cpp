#include "apps/display.h"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <spawn.h>
#include <string_view>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include "apps/signals.h"
#include "apps/window_module.h"
#include "apps/window_size.h"
#include "nn/core/error.h"

namespace zoo::apps {
namespace {

constexpr const char* kProbeArgument = "--probe-display";
constexpr std::chrono::seconds kProbeTimeout{10};

bool is_set(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

/// Runs this program again with kProbeArgument and silent output. Whether it came back with 0 in time.
bool probe_in_child() {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  std::string name = "backbone-zoo";
  std::string argument = kProbeArgument;
  char* const arguments[] = {name.data(), argument.data(), nullptr};
  pid_t child = 0;
  const int error = posix_spawn(&child, "/proc/self/exe", &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return false;

  const auto deadline = std::chrono::steady_clock::now() + kProbeTimeout;
  int status = 0;
  pid_t done = 0;
  while ((done = waitpid(child, &status, WNOHANG)) == 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  if (done == 0) {
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    return false;
  }
  return done == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

std::string display_problem() {
  if (!is_set("DISPLAY") && !is_set("WAYLAND_DISPLAY") && !is_set("QT_QPA_PLATFORM")) {
    return "no display (neither DISPLAY nor WAYLAND_DISPLAY is set; --save writes files instead)";
  }
  try {
    window_module();
  } catch (const Error& error) {
    return error.what();
  }
  return probe_in_child() ? "" : "the display cannot be opened";
}

bool is_display_probe(int argc, char** argv) { return argc == 2 && std::string_view(argv[1]) == kProbeArgument; }

int probe_display() {
  constexpr rlimit kNoCoreFile = {0, 0};
  setrlimit(RLIMIT_CORE, &kNoCoreFile);
  try {
    window_module().open("backbone-zoo");
    window_module().close("backbone-zoo");
    return 0;
  } catch (const std::exception&) {
    return 1;
  }
}

Window::Window(std::string name) : name_(std::move(name)), screen_(window_module().screen()) {
  window_module().open(name_);
}

Window::~Window() { window_module().close(name_); }

void Window::set_title(const std::string& title) {
  if (std::exchange(title_, title) != title) window_module().set_title(name_, title);
}

void Window::present(const cv::Mat& image) {
  if (std::exchange(shown_, image.size()) != image.size()) {
    window_module().resize(name_, window_size(image.size(), screen_));
  }
  window_module().show(name_, image);
}

std::optional<int> Window::key() {
  int key = -1;
  if (!poll(1, key)) return std::nullopt;
  return key < 0 ? key : key & 0xFF;
}

bool Window::show(const cv::Mat& image) {
  present(image);
  return key().has_value();
}

bool Window::show_and_wait(const cv::Mat& image) {
  present(image);
  constexpr int kPollMs = 50;
  int key = -1;
  while (!stop_requested()) {
    if (!poll(kPollMs, key)) return false;
    if (key >= 0) return true;
  }
  return true;
}

bool Window::poll(int wait_ms, int& key) const {
  constexpr int kEscape = 27;
  key = window_module().wait_key(wait_ms);
  const int character = key & 0xFF;
  if (key >= 0 && (character == 'q' || character == kEscape)) return false;
  return window_module().is_visible(name_);
}

}  // namespace zoo::apps
