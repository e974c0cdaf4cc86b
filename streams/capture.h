// The thread that reads one stream's source.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "streams/lane.h"
#include "streams/left_threads.h"
#include "streams/messages.h"
#include "streams/reconnecting_source.h"
#include "streams/scheduler.h"

namespace zoo::streams {

/// Reads and decodes all the time, whatever becomes of the frames. What it shares with its thread outlives a source
/// that hangs (left_threads.h).
class Capture {
 public:
  /// Of the source `options.on_status` is set here.
  Capture(std::shared_ptr<Scheduler> scheduler, std::shared_ptr<Lane> lane, std::shared_ptr<Messages> messages,
          ReconnectOptions options);
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
  /// Leaves a thread that hangs behind.
  void give_up();

  const std::shared_ptr<Lane>& lane() const { return lane_; }

 private:
  /// What the thread and its owner share.
  struct Shared {
    Shared(std::shared_ptr<Scheduler> of_run, std::shared_ptr<Lane> of_stream, std::shared_ptr<Messages> listener)
        : scheduler(std::move(of_run)), lane(std::move(of_stream)), messages(std::move(listener)) {}

    void set_source(ReconnectingSource* now);

    const std::shared_ptr<Scheduler> scheduler;
    const std::shared_ptr<Lane> lane;
    const std::shared_ptr<Messages> messages;
    Abandonable thread;
    std::mutex mutex;
    std::condition_variable changed;
    ReconnectingSource* source = nullptr;  ///< while the thread has one; guarded by `mutex`
    bool stopping = false;                 ///< guarded by `mutex`
    bool ended = false;                    ///< guarded by `mutex`
  };

  static void run(Shared& shared, ReconnectOptions options);
  static void read(const Shared& shared, ReconnectingSource& source);

  const std::shared_ptr<Lane> lane_;
  const std::shared_ptr<Shared> shared_;
  std::jthread thread_;
};

}  // namespace zoo::streams
