// What has become of every frame of a stream.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "pipeline/result_sink.h"
#include "pipeline/video/frame.h"

namespace zoo::streams {

/// Why a frame that was captured was not worked on.
enum class DropReason {
  kReplaced,   ///< by a newer one before its turn came
  kTooOld,     ///< older than the policy allows when its turn came
  kNotChosen,  ///< the policy takes every so many only
  kShutDown,   ///< the stream or the run ended
};
inline constexpr size_t kDropReasons = 4;
/// "replaced", "too_old", "not_chosen", "shut_down".
std::string_view to_string(DropReason reason);

/// Counters, not rates. At every moment captured = ok + failed + late + dropped() + in_flight.
struct StreamCounts {
  int64_t captured = 0;  ///< frames, and failures that stand for one
  int64_t ok = 0;        ///< answered, in time
  int64_t failed = 0;    ///< could not be read or did not fit the network
  int64_t late = 0;      ///< answered too, but older than the policy allows by then
  std::array<int64_t, kDropReasons> dropped_for{};
  int64_t in_flight = 0;  ///< waiting for their turn, being worked on, or on the way to the sinks

  int64_t dropped() const;
  int64_t dropped(DropReason reason) const { return dropped_for[static_cast<size_t>(reason)]; }
  bool adds_up() const { return captured == ok + failed + late + dropped() + in_flight; }
  StreamCounts& operator+=(const StreamCounts& other);
  bool operator==(const StreamCounts&) const = default;
};

enum class StreamState {
  kOpening,
  kRunning,
  kStalled,  ///< no frame comes, nor does the source end; it is waited for
  kWaiting,  ///< lost; will be opened again
  kEnded,    ///< by itself, or because it was removed
  kFailed,   ///< for good
};
/// "opening", "running", "stalled", "waiting", "ended", "failed".
std::string_view to_string(StreamState state);

/// How old frames are when their answers are handed to the sinks, in milliseconds: since they were captured.
struct FrameAges {
  double p50_ms = 0.0;
  double p99_ms = 0.0;
  double last_ms = 0.0;
};

/// One stream at one moment.
struct StreamSnapshot {
  size_t stream = 0;  ///< its number in the run, as in Frame
  std::string name;
  std::string source;  ///< as SourceInfo::name: no password
  std::string policy;  ///< to_string of it
  StreamState state = StreamState::kOpening;
  pipeline::LossCause cause = pipeline::LossCause::kNone;  ///< of the last loss or silence, while it lasts
  std::string message;                                     ///< the same in words; empty while it runs
  StreamCounts counts;
  std::chrono::milliseconds stall_timeout{0};  ///< StreamOptions'
  int64_t epoch = 0;                           ///< how often it was opened again
  int width = 0;                               ///< of the last frame, in pixels
  int height = 0;
  double captured_fps = 0.0;  ///< over the last seconds
  double answered_fps = 0.0;
  int frame_threads = 0;  ///< that the last frame was worked on with; 0 before the first
  FrameAges ages;         ///< over the last thousand answers
  /// How good the connection is in one word, from the last hour's losses and stalls: "excellent" (none), "fair" (one
  /// or two), "poor" (more), "unusable" (more than ten, or no frame comes just now); the words that Frigate has for
  /// cameras. Empty before the first frame, unless that does not come in time.
  std::string quality;
  bool sheds = false;         ///< frames come faster than they are worked on, see ShedWatch
  bool circuit_open = false;  ///< no frame succeeds with the model as it is, see Circuit
  std::string last_answer;    ///< the last result in a few words, e.g. "tabby 0.93"; empty before the first
};

/// "connected", "away", "connecting", "ended".
std::string_view connection_state(const pipeline::Delivery& delivery);

/// One sink at one moment.
struct SinkSnapshot {
  std::string name;
  int64_t written = 0;  ///< frames and failures
  int64_t dropped = 0;  ///< those that newer ones replaced in its queue, and those after its end
  bool works = true;
  std::string message;                                        ///< why it does not work any more
  std::optional<pipeline::Delivery> delivery = std::nullopt;  ///< of what was written, see ResultSink::delivery
};

/// Whether nothing was delivered of what was written, or results of files were lost. False while it may still come.
bool lost_results(const pipeline::Delivery& delivery);
/// Why a sink does not do now what it is for, its broker included; empty where it does.
std::string problem_of(const SinkSnapshot& sink);

}  // namespace zoo::streams
