// Time, which tests turn by hand.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>

namespace zoo {

/// What everything in streams/ that waits or measures asks for the time. Thread-safe.
class Clock {
 public:
  using Duration = std::chrono::steady_clock::duration;
  using TimePoint = std::chrono::steady_clock::time_point;
  using WallTime = std::chrono::system_clock::time_point;

  virtual ~Clock() = default;

  virtual TimePoint now() const = 0;
  /// What a calendar shows at this moment; may jump.
  virtual WallTime wall_time() const = 0;
  /// Waits on `changed`, which `lock` guards, until `ready` holds or the time has come: whether it holds then. Who
  /// makes it hold notifies `changed`.
  virtual bool wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& changed, TimePoint deadline,
                          const std::function<bool()>& ready) = 0;
};

/// The machine's clocks; lives as long as the program.
Clock& system_clock();

}  // namespace zoo
