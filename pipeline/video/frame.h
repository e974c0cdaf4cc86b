// What flows through a pipeline: a picture with its origin, or the reason why there is none.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include <opencv2/core/mat.hpp>

#include "pipeline/video/ffmpeg/loss_error.h"

namespace zoo::pipeline {

/// One picture on its way through the program.
struct Frame {
  cv::Mat image;            ///< 8-bit BGR, upright; owned by this frame alone
  std::string source;       ///< the file it came from, or what SourceInfo::name calls the source
  int64_t index = 0;        ///< counts from 0 over everything the source yields; gaps after drops show what was lost
  double time_s = 0.0;      ///< position in a video file, or seconds since a live source was opened
  double duration_s = 0.0;  ///< how long it is shown, as the file says; 0: it does not say, or the source is live
  double capture_ms = 0.0;  ///< reading and decoding, for a live source including the wait for it
  size_t stream = 0;        ///< which source of the run: set by whoever reads several, not by the source
  int64_t epoch = 0;        ///< of a source that is opened again when it is lost: how often before this frame
  /// When it was there to be worked on, and the same by the calendar: set by whoever reads live, not by the source.
  std::chrono::steady_clock::time_point captured_at = {};
  std::chrono::system_clock::time_point wall_time = {};
};

/// Why an input yields no result.
enum class FailureKind {
  kMissing,       ///< no such file, or no permission
  kEmpty,         ///< zero bytes
  kNotAnImage,    ///< no known format
  kTruncated,     ///< ends too early or is damaged; of a video also where only a part of it is
  kTooLarge,      ///< promises more pixels than the limit
  kLost,          ///< a camera or stream stopped, or a source of several could not be opened
  kProcessing,    ///< read, but it does not fit the network
  kChanged,       ///< not the file that a manifest lists
  kEndedProcess,  ///< was under way again and again when its process ended
};

/// "missing", "empty", "not_an_image", "truncated", "too_large", "lost", "processing", "changed",
/// "ended_process".
std::string_view to_string(FailureKind kind);

using ffmpeg::cause_of;
using ffmpeg::LossCause;
using ffmpeg::LossError;
using ffmpeg::to_string;

/// An input that could not be used; the rest goes on.
struct FrameFailure {
  std::string source;
  int64_t index = 0;  ///< the index its frame would have had
  FailureKind kind = FailureKind::kMissing;
  std::string message;                 ///< complete, names the source
  size_t stream = 0;                   ///< as of Frame
  LossCause cause = LossCause::kNone;  ///< of kLost
  int64_t epoch = 0;                   ///< as of Frame
};

using FrameResult = std::variant<Frame, FrameFailure>;

}  // namespace zoo::pipeline
