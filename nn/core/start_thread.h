// Threads whose failure to start is an error of this library.
#pragma once

#include <algorithm>
#include <cstddef>
#include <pthread.h>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "nn/core/error.h"

namespace zoo {

/// What a thread list or debugger may show of a name (`comm` of /proc/PID/task/TID).
inline constexpr size_t kMaxThreadName = 15;

/// `name`: what the thread is for, e.g. "zoo-worker3"; cut after kMaxThreadName bytes. Throws EngineError where the
/// system has no more threads.
template <typename F>
std::jthread start_thread(std::string name, F&& run) {
  name.resize(std::min(name.size(), kMaxThreadName));
  try {
    return std::jthread([name = std::move(name), run = std::forward<F>(run)]() mutable {
      pthread_setname_np(pthread_self(), name.c_str());
      run();
    });
  } catch (const std::system_error& error) {
    throw EngineError(std::string("the system starts no further thread: ") + error.what() +
                      "; use fewer threads, or raise the limit (ulimit -u, the container's pids limit)");
  }
}

}  // namespace zoo
