// A progress line on the terminal.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace zoo::apps {

/// What is counted: bytes are shown as megabytes.
enum class ProgressUnit { kItems, kBytes };

/// `[#####.....]  50 %  60/120  12.3/s  ETA 5 s` on standard error, or a counter where the total is not known. Appears
/// only on a terminal and only after two seconds, and stays below what is reported meanwhile. One thread at a time.
class Progress {
 public:
  explicit Progress(std::optional<int64_t> total, ProgressUnit unit = ProgressUnit::kItems);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void update(int64_t done);
  /// The same with a text of its own, which is asked for only when it is shown.
  void update(const std::function<std::string()>& text);
  /// Takes the line away, so that standard output, too, can be printed; the next update brings it back.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;

  double elapsed_s() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

  bool enabled_;
  std::optional<int64_t> total_;
  ProgressUnit unit_;
  Clock::time_point start_;
  Clock::time_point last_shown_;
  bool visible_ = false;
};

/// The text of the line, e.g. for 60 of 120 after 5 seconds.
std::string progress_text(int64_t done, std::optional<int64_t> total, double elapsed_s,
                          ProgressUnit unit = ProgressUnit::kItems);

}  // namespace zoo::apps
