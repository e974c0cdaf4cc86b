// Threads that are inside a source that was given up: nothing can end a thread that hangs in a driver or a decoder.
#pragma once

#include <atomic>

namespace zoo {

/// How many there are at this moment. While there are any, a program must not run the destructors of its static objects
/// (and those of the libraries that the threads are in): it flushes what it has written and leaves by std::_Exit.
/// Thread-safe; works after main, too.
int threads_left_behind();

/// What a thread that may be given up and the one that waits for it share.
class Abandonable {
 public:
  /// By the one who waits: from now on the thread counts as left behind, unless it has ended.
  void abandon();
  /// By the thread, when it has left the source and let go of it.
  void end();

 private:
  enum class State { kRunning, kAbandoned, kEnded };

  std::atomic<State> state_ = State::kRunning;
};

}  // namespace zoo
