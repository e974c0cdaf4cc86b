// Ends what libav waits for.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "pipeline/video/ffmpeg/av_ptr.h"

namespace zoo::ffmpeg {

/// A deadline and a stop sign that libav looks at while it waits. Must stay where it is as long as libav has its
/// callback. The waiting thread sets deadlines; libav may ask from threads of its own.
class Interrupt {
 public:
  explicit Interrupt(const std::atomic<bool>* stop) : stop_(stop) {}
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  /// From now on.
  void allow(std::chrono::milliseconds time) { deadline_ = (Clock::now() + time).time_since_epoch().count(); }
  void allow_any_time() { deadline_ = kNever; }

  bool stopped() const { return stop_ != nullptr && *stop_; }
  bool late() const {
    const int64_t deadline = deadline_;
    return deadline != kNever && Clock::now().time_since_epoch().count() > deadline;
  }
  bool pending() const { return stopped() || late(); }

  AVIOInterruptCB callback() {
    return {[](void* self) { return static_cast<const Interrupt*>(self)->pending() ? 1 : 0; }, this};
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr int64_t kNever = 0;

  const std::atomic<bool>* stop_;
  std::atomic<int64_t> deadline_ = kNever;
};

}  // namespace zoo::ffmpeg
