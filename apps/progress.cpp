#include "apps/progress.h"

#include <algorithm>
#include <cstdio>
#include <unistd.h>

#include <fmt/format.h>

#include "apps/output.h"

namespace zoo::apps {
namespace {

constexpr std::chrono::milliseconds kDelay{2000};
constexpr std::chrono::milliseconds kInterval{100};
constexpr int64_t kBarWidth = 24;

}  // namespace

std::string progress_text(int64_t done, std::optional<int64_t> total, double elapsed_s, ProgressUnit unit) {
  const double rate = elapsed_s > 0.0 ? static_cast<double>(done) / elapsed_s : 0.0;
  const bool bytes = unit == ProgressUnit::kBytes;
  constexpr double kMegabyte = 1e6;
  const auto megabytes = [](int64_t count) { return static_cast<double>(count) / kMegabyte; };
  const std::string speed = bytes ? fmt::format("{:.1f} MB/s", rate / kMegabyte) : fmt::format("{:.1f}/s", rate);
  if (!total || *total <= 0) {
    return fmt::format("{}  {}", bytes ? fmt::format("{:.1f} MB", megabytes(done)) : fmt::format("{}", done), speed);
  }
  const std::string counts =
      bytes ? fmt::format("{:.1f}/{:.1f} MB", megabytes(done), megabytes(*total)) : fmt::format("{}/{}", done, *total);
  const int64_t shown = std::min(done, *total);  // a container's frame count may be an estimate
  const int64_t filled = kBarWidth * shown / *total;
  const double eta_s = rate > 0.0 ? static_cast<double>(*total - shown) / rate : 0.0;
  return fmt::format("[{:#<{}}{:.<{}}] {:3d} %  {}  {}  ETA {:.0f} s", "", filled, "", kBarWidth - filled,
                     100 * shown / *total, counts, speed, eta_s);
}

Progress::Progress(std::optional<int64_t> total, ProgressUnit unit)
    : enabled_(isatty(STDERR_FILENO) == 1), total_(total), unit_(unit), start_(Clock::now()), last_shown_(start_) {}

Progress::~Progress() { clear(); }

void Progress::update(int64_t done) {
  update([&] { return progress_text(done, total_, elapsed_s(), unit_); });
}

void Progress::update(const std::function<std::string()>& text) {
  if (!enabled_) return;
  const auto now = Clock::now();
  if (now - start_ < kDelay || (visible_ && now - last_shown_ < kInterval)) return;
  last_shown_ = now;
  visible_ = true;
  show_status(text());
}

void Progress::clear() {
  if (!visible_) return;
  visible_ = false;
  show_status({});
}

}  // namespace zoo::apps
