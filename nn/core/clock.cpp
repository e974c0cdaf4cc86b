#include "nn/core/clock.h"

namespace zoo {
namespace {

class SystemClock final : public Clock {
 public:
  TimePoint now() const override { return std::chrono::steady_clock::now(); }
  WallTime wall_time() const override { return std::chrono::system_clock::now(); }

  bool wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& changed, TimePoint deadline,
                  const std::function<bool()>& ready) override {
    if (deadline != TimePoint::max()) return changed.wait_until(lock, deadline, ready);
    changed.wait(lock, ready);
    return true;
  }
};

}  // namespace

Clock& system_clock() {
  static SystemClock clock;
  return clock;
}

}  // namespace zoo
