// Independent items spread over threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace zoo::eval {

/// Works on one item, by index. Called by one thread only, so it may own what it changes.
using ShardWork = std::function<void(int64_t)>;

struct ShardOptions {
  /// Once set, no further item is begun.
  const std::atomic<bool>* stop = nullptr;
  /// Called by the calling thread with the number of items done so far, now and then.
  std::function<void(int64_t)> progress = {};
};

/// An item whose work threw IoError.
struct ItemFailure {
  int64_t item = 0;
  std::string message;
};

struct ShardedRun {
  int64_t done = 0;                   ///< items worked on, failed ones included
  std::vector<ItemFailure> failures;  ///< by item
};

/// Runs every item of [0, items) once, each on whichever of `shards` is free; one thread per shard. What the shards
/// gather must therefore not depend on who got which item. An exception other than IoError ends all and is thrown on
/// (of several that of the lowest item). Everything that threads share is behind one lock.
ShardedRun run_sharded(int64_t items, std::span<const ShardWork> shards, const ShardOptions& options = {});

}  // namespace zoo::eval
