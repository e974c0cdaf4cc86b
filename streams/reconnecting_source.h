// A source that is opened again when it is lost.
//
// When: the first time at once, then as Backoff says. While it waits, the source is probed every half second
// (source_probe.h), which is much cheaper for both sides than opening it, and is opened at once
//   - when the probe is answered that was not answered before: the server or the camera is back. The waits begin anew.
//   - when the probe is answered and the last try has ended by its own time limit: a server that accepts connections
//     and says nothing is hanging, and will answer the connection that waits for it when it goes on.
// What answers and refuses (a wrong password, an unknown path) is asked again after the growing waits only; between
// them it sees connections that are closed without a word.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "nn/core/backoff.h"
#include "nn/core/clock.h"
#include "pipeline/video/frame_source.h"
#include "streams/account.h"
#include "streams/source_probe.h"

namespace zoo::streams {

/// What has become of a source.
struct SourceStatus {
  StreamState state = StreamState::kOpening;               ///< never kStalled; kRunning from the first frame on
  pipeline::LossCause cause = pipeline::LossCause::kNone;  ///< kWaiting, kFailed; kOpening after a loss
  std::string message = {};                                ///< the same in words, complete
  int64_t epoch = 0;                                       ///< how often it came back
};

struct ReconnectOptions {
  /// Opens the source; `stop` is for ReadOptions::stop. Throws IoError.
  std::function<std::unique_ptr<pipeline::FrameSource>(const std::atomic<bool>& stop)> open;
  /// What is known of the source before it is opened.
  pipeline::SourceInfo info;
  bool reconnects = true;
  SourceProbe probe = {};  ///< may be empty
  BackoffOptions backoff = {};
  Clock* clock = nullptr;  ///< null: system_clock()
  /// Told of each change, in the thread that is in next(), before the frame that it begins with; with kRunning info()
  /// is that of what was opened. May be empty.
  std::function<void(const SourceStatus&)> on_status = {};
};

/// Whether a source of this kind comes back: addresses, cameras, pipelines.
bool can_come_back(const pipeline::SourceSpec& spec);

/// Opens the source in the first next(), in whose thread everything happens: one that hangs in opening or reading holds
/// up its caller, and nobody else. Frames keep counting over all losses, and so do their times (of a live source
/// seconds since it was first open; what is no live source goes on behind the last frame that came). The size of frames
/// may change.
class ReconnectingSource : public pipeline::FrameSource {
 public:
  explicit ReconnectingSource(ReconnectOptions options);

  /// Where the source is lost, or cannot be opened at first, one FrameFailure (kLost, with cause and epoch); the next
  /// call waits until the source is back. Nothing once it has ended by itself, and after stop(). If it does not
  /// reconnect, nothing follows the failure.
  std::optional<pipeline::FrameResult> next() override;
  /// Changes when the source is opened again.
  const pipeline::SourceInfo& info() const override { return info_; }

  /// Ends a wait, and what the source does if it heeds `stop`. Thread-safe; the only member that another thread may
  /// call.
  void stop();

 private:
  std::optional<pipeline::FrameResult> open();
  std::optional<pipeline::FrameResult> read();
  std::optional<pipeline::FrameResult> place(pipeline::Frame frame);
  std::optional<pipeline::FrameResult> lose(pipeline::LossCause cause, const std::string& message);
  pipeline::FrameFailure failure(pipeline::LossCause cause, const std::string& message);
  void note_frame();
  bool wait_to_reopen();
  bool wait_until(Clock::TimePoint time);
  bool is_back();
  void end(StreamState state);
  void tell(StreamState state);

  const ReconnectOptions options_;
  Clock& clock_;
  Backoff backoff_;
  pipeline::SourceInfo info_;
  std::unique_ptr<pipeline::FrameSource> source_;  ///< null while there is none
  SourceStatus status_;
  bool lost_ = false;      ///< no frame has come since the last failure
  bool answered_ = false;  ///< the last probe
  bool done_ = false;
  std::optional<Clock::TimePoint> first_opened_;
  Clock::TimePoint opened_;                      ///< since when the source is open
  std::optional<Clock::TimePoint> first_frame_;  ///< of the open source
  Clock::TimePoint last_frame_;
  int64_t next_index_ = 0;
  int64_t base_index_ = 0;      ///< of the open source's frame 0
  double last_time_s_ = -1.0;   ///< of the last frame
  double skip_until_s_ = -1.0;  ///< of what is no live source: frames up to this time have come before
  std::atomic<bool> stop_ = false;
  std::mutex mutex_;
  std::condition_variable stopped_;
};

}  // namespace zoo::streams
