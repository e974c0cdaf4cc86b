// A sink in a thread of its own.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <variant>

#include "pipeline/result_sink.h"
#include "streams/account.h"
#include "streams/clock.h"
#include "streams/messages.h"
#include "streams/outlet.h"

namespace zoo::streams {

/// Takes what a run tells its sinks, for one of them, and passes it on in that order. The first exception of the sink
/// is its end, said once. Thread-safe.
class SinkRunner final : public Outlet {
 public:
  /// Events that may wait, of all streams; then what ResultSink::when_slow says.
  static constexpr size_t kWaitingEvents = 8;

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
  /// What was told before is written, the sink is finished, and its thread has ended. May be called again.
  void finish();

  /// Nothing waits or is being written.
  bool idle() const;
  SinkSnapshot snapshot() const;

 private:
  struct Begin {
    size_t stream = 0;
    pipeline::SourceInfo source;
  };
  using Event = std::shared_ptr<const pipeline::FrameEvent>;
  struct End {
    size_t stream = 0;
    pipeline::SourceStats stats;
  };
  struct Finish {};
  using Item = std::variant<Begin, Event, End, Finish>;

  void put(Item item);
  void run();
  Item next();
  void pass_on(const Item& item);
  void tell_saved();
  void fail(const std::string& why);
  bool works() const;
  void drop_oldest();

  const std::unique_ptr<pipeline::ResultSink> sink_;
  const std::string name_;
  const bool wants_drawing_;
  const bool wants_plain_;
  const bool waits_;
  Clock& clock_;
  const std::shared_ptr<Messages> messages_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Item> items_;
  size_t events_ = 0;  ///< among them
  bool busy_ = false;
  bool finishing_ = false;
  SinkSnapshot state_;

  std::jthread thread_;  ///< last: ends while the rest is there
};

}  // namespace zoo::streams
