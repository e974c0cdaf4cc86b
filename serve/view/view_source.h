// What the live view shows and can do, as functions of whoever runs the streams.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "streams/account.h"
#include "streams/stream_options.h"

namespace zoo::serve {

/// The model that runs, and what became of the last attempt to replace it.
struct ModelState {
  std::string name;
  int64_t version = 1;
  int64_t swaps = 0;         ///< how often it was replaced
  int64_t failed_swaps = 0;  ///< how often a file was wrong
  /// Lines of the last wrong file, located; empty while the file that is there is the one that runs.
  std::string problem = {};
};

/// All are thread-safe. What is empty cannot be done: its route is answered 501.
struct ViewSource {
  std::function<std::vector<streams::StreamSnapshot>()> streams;
  std::function<streams::StreamCounts()> total;
  std::function<ModelState()> model;
  std::function<std::vector<streams::SinkSnapshot>()> sinks = {};  ///< may be empty: none are shown
  /// Begins a stream. Throws Error: the name is taken, an option is out of range.
  std::function<void(streams::StreamOptions)> add = {};
  /// False if there is none of that name.
  std::function<bool(const std::string&)> remove = {};
  /// Looks at the model's files now; model() tells what comes of it.
  std::function<void()> reload = {};
};

}  // namespace zoo::serve
