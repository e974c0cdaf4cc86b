// The thread that reads one stream's source.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "nn/core/left_threads.h"
#include "pipeline/video/frame_source.h"
#include "streams/lane.h"
#include "streams/messages.h"
#include "streams/reconnecting_source.h"
#include "streams/scheduler.h"

namespace zoo::streams {

/// Reads and decodes all the time, whatever becomes of the frames. What it shares with its thread outlives a source
/// that hangs (left_threads.h).
class Capture {
 public:
  /// A source that is opened here, and again when it is lost. Of `options`, `on_status` is set here.
  Capture(std::shared_ptr<Scheduler> scheduler, std::shared_ptr<Lane> lane, std::shared_ptr<Messages> messages,
          ReconnectOptions options);
  /// An open one that is read to its end, or until `stop` is set (may be null; not looked at after give_up()).
  Capture(std::shared_ptr<Scheduler> scheduler, std::shared_ptr<Lane> lane, std::shared_ptr<Messages> messages,
          std::shared_ptr<pipeline::FrameSource> source, const std::atomic<bool>* stop);
  /// give_up(), and waits for the thread if it is about to end.
  ~Capture();
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  /// Asks the source to end; does not wait.
  void stop();
  /// The thread has left the source.
  bool ended() const;
  /// The same, waited for until then at most.
  bool ends_until(std::chrono::steady_clock::time_point deadline) const;
  /// What an open source has thrown: its end. Null before, and if there is nothing.
  std::exception_ptr error() const;
  /// Leaves a thread that hangs behind.
  void give_up();

  const std::shared_ptr<Lane>& lane() const { return lane_; }

 private:
  /// What the thread and its owner share.
  struct Shared {
    Shared(std::shared_ptr<Scheduler> of_run, std::shared_ptr<Lane> of_stream, std::shared_ptr<Messages> listener)
        : scheduler(std::move(of_run)), lane(std::move(of_stream)), messages(std::move(listener)) {}

    void set_source(ReconnectingSource* now);
    /// Nobody wants another frame.
    bool stops();

    const std::shared_ptr<Scheduler> scheduler;
    const std::shared_ptr<Lane> lane;
    const std::shared_ptr<Messages> messages;
    Abandonable thread;
    std::mutex mutex;
    std::condition_variable changed;
    ReconnectingSource* source = nullptr;     ///< while the thread has one; guarded by `mutex`
    const std::atomic<bool>* stop = nullptr;  ///< the same, from outside; guarded by `mutex`
    bool stopping = false;                    ///< guarded by `mutex`
    std::exception_ptr error;                 ///< guarded by `mutex`
    bool ended = false;                       ///< guarded by `mutex`
  };

  using Next = std::function<std::optional<Captured>()>;

  void start(std::function<void(Shared&)> work);
  static void run(Shared& shared, ReconnectOptions options);
  static void run(Shared& shared, pipeline::FrameSource& source);
  /// Whether the source has ended by itself.
  static bool read(Shared& shared, const Next& next);

  const std::shared_ptr<Lane> lane_;
  const std::shared_ptr<Shared> shared_;
  std::jthread thread_;
};

}  // namespace zoo::streams
