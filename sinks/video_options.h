// How videos are written.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>

#include "pipeline/video/ffmpeg/video_codec.h"

namespace zoo::sinks {

struct VideoOptions {
  ffmpeg::VideoCodec codec = ffmpeg::VideoCodec::kAuto;
  /// Frames per second, evenly: frames are repeated and left out as their times ask for. One that is shown for
  /// more than an hour is not repeated, which is noted. Empty: each at its own time.
  std::optional<double> fps = std::nullopt;
  /// Set from outside (a signal handler): frames are repeated no more. What is written stays in time. May be null;
  /// outlives the writers.
  const std::atomic<bool>* stop = nullptr;
  /// Whether what was written of a video stays, and plays, where it cannot be written on (a full disk); else it goes.
  bool keeps_what_plays = false;
  /// Whether an older file of the video's name stays, and the video gets the next name that is free (`clip-2.mp4`).
  bool keeps_older = false;
  /// Called with a sentence for each thing in a video that is not as in its source: the codec, the size, the sound.
  std::function<void(const std::string& note)> on_note = {};
};

}  // namespace zoo::sinks
