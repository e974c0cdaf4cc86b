// How sources are read.
#pragma once

#include <atomic>
#include <chrono>

namespace zoo::ffmpeg {

struct ReadOptions {
  /// An address or a pipe that has not said what it holds within this time cannot be opened. Files are waited for.
  std::chrono::milliseconds open_timeout{10'000};
  /// An address that yields no frame for this long counts as lost. Files and pipes are waited for.
  std::chrono::milliseconds stall_timeout{10'000};
  /// Threads that decode, at least 1; 0: one for each usable core (nn/core/cores.h, at most 16), of live sources one.
  int threads = 0;
  /// Set from outside (a signal handler) to end opening and reading at once. May be null; outlives the source.
  const std::atomic<bool>* stop = nullptr;
};

}  // namespace zoo::ffmpeg
