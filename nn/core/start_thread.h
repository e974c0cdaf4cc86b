// Threads whose failure to start is an error of this library.
#pragma once

#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "nn/core/error.h"

namespace zoo {

/// Throws EngineError where the system has no more threads.
template <typename F>
std::jthread start_thread(F&& run) {
  try {
    return std::jthread(std::forward<F>(run));
  } catch (const std::system_error& error) {
    throw EngineError(std::string("the system starts no further thread: ") + error.what() +
                      "; use fewer threads, or raise the limit (ulimit -u, the container's pids limit)");
  }
}

}  // namespace zoo
