// All that is known of one stream while it runs.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <opencv2/core/mat.hpp>

#include "nn/core/clock.h"
#include "pipeline/result_filter.h"
#include "pipeline/result_sink.h"
#include "streams/account.h"
#include "streams/circuit.h"
#include "streams/mailbox.h"
#include "streams/reconnecting_source.h"
#include "streams/shed_watch.h"
#include "streams/stream_account.h"
#include "streams/stream_options.h"

namespace zoo::streams {

/// How a stream is worked on.
struct LaneOptions {
  MailboxRoom room;
  /// Where others look at it while it runs: a recent frame is kept, the last answer in words, and a model that answers
  /// none of its frames is spared (Circuit).
  bool is_watched = true;
};

/// A stream on its way from the source to the sinks. The scheduler's lock guards it, but for what never changes.
struct Lane {
  Lane(size_t number, StreamOptions stream_options, const LaneOptions& how, Clock::TimePoint now);

  /// What the source says of itself; yields what a user should know of it, or nothing.
  std::string note_status(const SourceStatus& told, const pipeline::SourceInfo& source, Clock::TimePoint now);
  /// Frames come again after a silence; yields the message.
  std::string note_frames(Clock::TimePoint now);
  /// What the model has made of a frame; `problem`: why it failed, or empty. Yields the message if that changes whether
  /// the circuit is open.
  std::string note_answer(const std::string& problem, int64_t model_version, Clock::TimePoint now);
  /// Adds the message to `messages` if the source is silent for too long.
  void look_for_silence(Clock::TimePoint now, std::vector<std::string>& messages);
  /// Once a second: the same if whether frames are shed has changed.
  void look_for_shedding(std::vector<std::string>& messages);

  /// How long the source may take for what it does just now before that is a silence.
  Clock::Duration patience() const;

  StreamSnapshot snapshot(Clock::TimePoint now) const;
  pipeline::SourceStats stats(Clock::TimePoint now) const;
  /// It may be forgotten: the source is left, everything is delivered, and sinks know that it has ended.
  bool finished() const { return source_left && end_told; }

  const size_t stream;
  const StreamOptions options;
  const bool is_watched;
  pipeline::ResultFilter filter;  ///< called by whoever delivers, one at a time, without the lock; may be empty

  std::condition_variable room;  ///< in the mailbox
  Mailbox mailbox;
  StreamAccount account;
  Circuit circuit;
  bool closed = false;       ///< takes no more frames
  bool source_left = false;  ///< nobody reads it any more
  bool whole = false;        ///< it has ended by itself
  bool begin_told = false;   ///< sinks know that it was opened
  bool ending = false;       ///< they are told that it has ended
  bool end_told = false;     ///< they know
  bool removed = false;
  int frame_threads = 0;  ///< of the frame that was taken last; 0 before the first
  int64_t served = 0;     ///< when a worker last took a frame, in frames taken of all streams
  /// Since when the source has been asked for the next frame, also where it has to be opened first.
  std::optional<Clock::TimePoint> reading_since;
  std::optional<Clock::TimePoint> last_frame;  ///< when it came
  std::optional<pipeline::SourceInfo> info;    ///< of the source, once it has yielded a frame
  int width = 0;
  int height = 0;
  std::string last_answer;
  cv::Mat recent_frame;  ///< a copy
  Clock::TimePoint copied_at = Clock::TimePoint::min();

  const Clock::TimePoint began;
  SourceStatus status;
  ShedWatch shed;
  std::optional<Clock::TimePoint> lost_since;  ///< lost or silent

 private:
  std::string say(const std::string& what) const;
  std::string note_loss(bool was_silent, Clock::TimePoint now);
  std::string note_return(Clock::TimePoint now);
  void begin_outage(Clock::TimePoint since, Clock::TimePoint now);

  std::set<pipeline::LossCause> said_causes_;  ///< of this outage
};

}  // namespace zoo::streams
