// A sink in a thread of its own.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <thread>

#include "nn/core/clock.h"
#include "nn/core/left_threads.h"
#include "pipeline/result_sink.h"
#include "streams/account.h"
#include "streams/messages.h"
#include "streams/outlet.h"

namespace zoo::streams {

/// Takes what a run tells its sinks, for one of them, and passes it on in that order. The first exception of the sink
/// is its end, said once; so is a call that takes longer than ResultSink::time_limit() while others wait for it, whose
/// thread is left behind (left_threads.h). Thread-safe.
class SinkRunner final : public Outlet {
 public:
  /// Events that may wait, of all streams; then what ResultSink::when_slow says.
  static constexpr size_t kWaitingEvents = 8;
  /// In finish() a file is completed in so many times the sink's time limit at most: a long video takes a while.
  static constexpr int kLimitsToComplete = 10;
  /// Once the run ends, what takes longer for one event hangs.
  static constexpr std::chrono::milliseconds kStopGrace{1500};

  /// `number`: of the sink, for the name of its thread. Says through `messages` what was saved, and what went wrong.
  SinkRunner(std::unique_ptr<pipeline::ResultSink> sink, size_t number, Clock& clock,
             std::shared_ptr<Messages> messages);
  ~SinkRunner() override;
  SinkRunner(const SinkRunner&) = delete;
  SinkRunner& operator=(const SinkRunner&) = delete;

  bool wants_drawing() const override;
  bool wants_plain() const override;
  /// Its exception is the sink's end, too.
  void prepare(pipeline::ProcessedFrame& item) override;

  void begin(size_t stream, const pipeline::SourceInfo& source) override;
  /// May wait, see ResultSink::when_slow.
  void write(std::shared_ptr<const pipeline::FrameEvent> event) override;
  void end(size_t stream, const pipeline::SourceStats& stats) override;
  /// The run ends: nobody waits for a call of the sink longer than kStopGrace from now on, but for those that complete
  /// files.
  void hurry();
  /// hurry(). The sink is finished as soon as everything is written; nobody waits for it here.
  void close();
  /// close(). What was told before is written, the sink is finished, and its thread has ended, or hangs. May be called
  /// again.
  void finish();

  /// Nothing waits or is being written; of a sink that sends, nothing waits for somebody who is there.
  bool idle() const;
  SinkSnapshot snapshot() const;

 private:
  class Work;

  const std::shared_ptr<Work> work_;  ///< outlives a thread that hangs
  const std::shared_ptr<Abandonable> running_ = std::make_shared<Abandonable>();
  std::jthread thread_;
};

}  // namespace zoo::streams
