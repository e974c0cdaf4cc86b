// Which frame is worked on next, of all streams.
//
// A worker takes the frame of the stream that was served longest ago. What is answered goes to the sinks first: before
// anything new is begun. While fewer frames can be at work than there are workers, each may get several threads.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <opencv2/core/mat.hpp>

#include "nn/core/clock.h"
#include "pipeline/result_filter.h"
#include "pipeline/result_sink.h"
#include "streams/account.h"
#include "streams/lane.h"
#include "streams/stream_options.h"

namespace zoo::streams {

/// A frame to be worked on; ends with Scheduler::answer().
struct PredictJob {
  std::shared_ptr<Lane> lane;
  int64_t ticket = 0;
  pipeline::ProcessedFrame item;
  pipeline::FrameSource::Pending read;  ///< if it is there, it yields what is to be in `item`
  int threads = 1;                      ///< that it may be worked on with
  bool wants_copy = false;              ///< `copy` is to become one of its picture
  cv::Mat copy = {};
};

/// What the sinks are to be told: that a source was opened, or has ended. One of a stream at a time.
struct DeliverJob {
  std::shared_ptr<Lane> lane;
  std::optional<pipeline::SourceInfo> begin;  ///< first, if it is there
  std::optional<pipeline::FrameEvent> event;  ///< none at the end
  std::optional<pipeline::SourceStats> end;   ///< only where the stream has begun for them
};

/// How a delivery went.
struct Delivered {
  bool failed = false;      ///< the event became a failure on the way
  std::string last_answer;  ///< what StreamSnapshot shows; empty where the event was a failure
};

using Job = std::variant<PredictJob, DeliverJob>;

struct SchedulerOptions {
  int workers = 1;              ///< how many threads call next(), and cores that they have together
  int frame_threads = 1;        ///< that one frame gets at most, see cores.h
  bool delivers_apart = false;  ///< next() is called for deliveries and for frames by different threads
  size_t first_stream = 0;      ///< the number of the first that is added
};

/// One lock over all streams: what anybody sees of them adds up. Has no threads; every member may be called from any.
/// Outlives the run where a thread that reads a source is left behind (left_threads.h).
class Scheduler {
 public:
  Scheduler(Clock& clock, const SchedulerOptions& options);

  /// A stream of its own number; `how` as is right among many, where it is not given. Throws Error: the name is taken,
  /// or everything was stopped.
  std::shared_ptr<Lane> add(StreamOptions options, pipeline::ResultFilter filter,
                            const std::optional<LaneOptions>& how = {});
  /// Takes no more frames of it, and forgets it once it is finished. Null if there is none of that name.
  std::shared_ptr<Lane> remove(const std::string& name);
  /// The same without forgetting, and with all; next() ends when everything is finished.
  void stop();
  /// There will be no more streams: next() ends when those that there are have ended by themselves.
  void end_with_streams();

  /// By the thread that reads the source. Waits for room where the policy is `block`. Yields nothing once the stream
  /// takes no more frames, else what a user should know (an empty text: nothing).
  std::optional<std::string> put(Lane& lane, Captured captured);
  /// Yields the message, or nothing.
  std::string note_status(Lane& lane, const SourceStatus& status, const pipeline::SourceInfo& info);
  /// Nobody reads the source any more. May be called again.
  void leave_source(Lane& lane);
  /// The same if the source has been asked for a frame for longer than its patience (Lane), and `loss` is the stream's
  /// last event, its index the number of frames that were captured; yields whether it was so. For a source that is not
  /// waited for.
  bool leave_silent_source(Lane& lane, const std::function<pipeline::FrameFailure(int64_t)>& loss);
  /// The same without a last event, after so long.
  bool leave_hanging_source(Lane& lane, Clock::Duration limit);
  /// Whether StreamOptions::max_frames are captured and not dropped.
  bool has_enough(const Lane& lane) const;

  enum class Work { kAny, kFrames, kDeliveries };
  /// Waits for something to do of this kind (any, or as SchedulerOptions::delivers_apart says); nothing once there will
  /// be no more.
  std::optional<Job> next(Work work = Work::kAny);
  /// The same without waiting: nothing if there is nothing to do just now.
  std::optional<Job> try_next();
  /// `problem`: why the frame failed, empty if it did not. Yields the message, or nothing.
  std::string answer(const PredictJob& job, pipeline::FrameEvent event, const std::string& problem,
                     int64_t model_version);
  void delivered(const DeliverJob& job, Delivered how = {});

  /// What users should know that nobody else notices; to be called some times a second.
  std::vector<std::string> watch();
  std::vector<StreamSnapshot> snapshot() const;
  /// How many were not removed.
  size_t streams() const;
  /// See LiveStreams.
  std::vector<cv::Mat> recent_frames() const;
  /// Removed streams included.
  StreamCounts total() const;
  /// Whether all streams have ended and are delivered.
  bool idle() const;

 private:
  using Lock = std::unique_lock<std::mutex>;

  void close(Lane& lane);
  void leave(Lane& lane);
  bool is_silent(const Lane& lane, Clock::Duration limit) const;
  std::condition_variable& changed(Work work) { return work == Work::kDeliveries && apart_ ? deliveries_ : work_; }
  void wake_all();
  void forget_finished();
  bool all_finished() const;
  bool has_job(Work work) const;
  std::optional<Job> take(Work work, Clock::TimePoint now);
  std::optional<DeliverJob> take_delivery(Clock::TimePoint now);
  std::optional<PredictJob> take_frame(Clock::TimePoint now);
  bool may_predict(const Lane& lane, Clock::TimePoint now) const;
  static bool may_end(const Lane& lane);
  /// That can be at work at once, as the streams are now.
  size_t frames_at_once() const;
  Clock::TimePoint next_try() const;

  Clock& clock_;
  const size_t workers_;
  const size_t frame_threads_;
  const bool apart_;
  mutable std::mutex mutex_;  ///< guards everything below, and the lanes
  std::condition_variable work_;
  std::condition_variable deliveries_;        ///< where they are waited for apart
  std::vector<std::shared_ptr<Lane>> lanes_;  ///< in the order of adding
  StreamCounts forgotten_;                    ///< of lanes that are not there any more
  size_t next_stream_;
  int64_t taken_ = 0;  ///< frames of all streams
  bool stopping_ = false;
  std::optional<Clock::TimePoint> looked_;  ///< for shedding
};

}  // namespace zoo::streams
