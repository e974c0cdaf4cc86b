// A clock that stands still until the test turns it.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "nn/core/clock.h"

namespace zoo {

/// Threads wait by it for a moment of its own time. The test lets them run until each waits (settle), and turns the
/// clock to the first moment that one waits for: what happens is a simulation, exact to the nanosecond.
class ManualClock final : public Clock {
 public:
  TimePoint now() const override { return TimePoint(Duration(now_.load())); }
  WallTime wall_time() const override {
    return WallTime(std::chrono::duration_cast<WallTime::duration>(Duration(now_.load())));
  }

  bool wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& changed, TimePoint deadline,
                  const std::function<bool()>& ready) override {
    Waiter waiter{lock.mutex(), &changed, deadline, &ready};
    {
      const std::scoped_lock guard(mutex_);
      waiters_.push_back(&waiter);
    }
    bool is_ready = ready();
    while (!is_ready && !has_come(deadline)) {
      changed.wait_for(lock, kLook);  // what a test's `ready` asks for may change without a word
      is_ready = ready();
    }
    const std::scoped_lock guard(mutex_);
    std::erase(waiters_, &waiter);
    return is_ready;
  }

  void turn(Duration by) { turn_to(now() + by); }

  void turn_to(TimePoint time) {
    now_ = time.time_since_epoch().count();
    while (!told()) std::this_thread::yield();
  }

  /// Nobody waits for a moment any more: for the end of a test, when nobody turns the clock.
  void let_go() {
    lets_go_ = true;
    turn({});
  }

  /// Waits until so many threads wait, none of which has anything to do before the clock is turned.
  void settle(size_t threads) const {
    while (!settled(threads)) std::this_thread::sleep_for(std::chrono::microseconds(5));
  }

  /// Turns the clock to the next moment that a thread waits for, to `end` if none is before it; false once it is there.
  bool turn_to_next(TimePoint end) {
    TimePoint next = end;
    {
      const std::scoped_lock guard(mutex_);
      for (const Waiter* waiter : waiters_) next = std::min(next, waiter->deadline);
    }
    turn_to(std::max(next, now()));
    return next < end;
  }

  /// The whole of it, for a while.
  void run_for(Duration time, size_t threads) {
    const TimePoint end = now() + time;
    do {
      settle(threads);
    } while (turn_to_next(end));
    settle(threads);
  }

 private:
  static constexpr std::chrono::milliseconds kLook{10};

  struct Waiter {
    std::mutex* mutex;
    std::condition_variable* changed;
    TimePoint deadline;
    const std::function<bool()>* ready;
  };

  bool has_come(TimePoint time) const { return now() >= time || (lets_go_ && time != TimePoint::max()); }

  // While mutex_ is held, nobody stops waiting, and so what waiters point to is there. Their mutexes are taken in the
  // other order by everybody else.

  /// Tells everybody that the clock was turned. False if somebody may have looked at it before and not wait yet.
  bool told() {
    const std::scoped_lock guard(mutex_);
    bool all = true;
    for (const Waiter* waiter : waiters_) {
      const std::unique_lock passed(*waiter->mutex, std::try_to_lock);
      all = all && passed.owns_lock();
      waiter->changed->notify_all();
    }
    return all;
  }

  bool settled(size_t threads) const {
    const std::scoped_lock guard(mutex_);
    return waiters_.size() >= threads &&
           std::ranges::all_of(waiters_, [this](const Waiter* waiter) { return rests(*waiter); });
  }

  bool rests(const Waiter& waiter) const {
    const std::unique_lock passed(*waiter.mutex, std::try_to_lock);
    return passed.owns_lock() && now() < waiter.deadline && !(*waiter.ready)();
  }

  std::atomic<Duration::rep> now_ = std::chrono::duration_cast<Duration>(std::chrono::hours(1)).count();
  std::atomic<bool> lets_go_ = false;
  mutable std::mutex mutex_;
  std::vector<Waiter*> waiters_;
};

}  // namespace zoo
