// One executable for all who need the same.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "nn/engine/executable.h"

namespace zoo::models {

/// Compiles one network and hands out what is still in use instead of compiling it again: packed weights, the larger
/// part of an executable, are then in memory once. Keeps nothing alive. Thread-safe.
class ExecutablesInUse {
 public:
  /// For an input [N, C, H, W]. `network`: the same at every call. What kAuto chooses is shared with those who ask for
  /// that precision by its name. Others that want the same wait while it is being
  /// compiled; different ones are compiled at the same time. Throws GraphError and EngineError.
  std::shared_ptr<const engine::Executable> get(const graph::BoundGraph& network, const Shape& input,
                                                const engine::CompileOptions& options);

 private:
  struct Slot {
    Shape input;
    engine::CompileOptions options;
    std::mutex compiling;
    std::weak_ptr<const engine::Executable> executable;  ///< guarded by `compiling`
  };

  std::shared_ptr<const engine::Executable> compile(const graph::BoundGraph& network, const Shape& input,
                                                    const engine::CompileOptions& options);
  std::shared_ptr<Slot> slot_for(const Shape& input, const engine::CompileOptions& options);

  std::mutex mutex_;
  std::vector<std::shared_ptr<Slot>> slots_;  ///< guarded by mutex_
};

}  // namespace zoo::models
