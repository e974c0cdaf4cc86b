// One model compiled for the input shapes that occur.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include "models/model.h"
#include "nn/engine/executable.h"

namespace zoo::pipeline {

/// Takes what Executable::note() says.
using NoteFunction = std::function<void(const std::string& note)>;

/// Compiles a model for each input shape it is asked for and keeps the most recently used ones. One thread at a time.
class RunnerCache {
 public:
  /// A folder of pictures for a network without a fixed input size may hold any number of sizes; each compiled one
  /// costs as much memory as the weights.
  static constexpr size_t kMaxEntries = 4;
  /// Of all inputs that are kept together: a large one needs its memory for itself.
  static constexpr int64_t kMaxPixels = int64_t{4096} * 4096;

  struct Entry {
    Shape input;
    std::shared_ptr<const engine::Executable> executable;
    int threads = 1;
    std::unique_ptr<engine::Runner> runner;
  };

  /// `threads`: of the runners; the model file's `runtime.threads` when 0. `options.tuned_threads` 0: the same.
  /// `on_note`: see NetworkOptions.
  RunnerCache(std::shared_ptr<const models::Model> model, engine::CompileOptions options, int threads,
              NoteFunction on_note = {}, int64_t max_pixels = kMaxPixels);

  // Moving only: a std::list claims to be copyable whatever it holds.
  RunnerCache(RunnerCache&&) = default;
  RunnerCache& operator=(RunnerCache&&) = default;

  /// Of runners that are asked for from now on; others are replaced then, what is compiled stays.
  void set_threads(int threads) { threads_ = threads; }

  /// For an input [N, C, H, W]; valid until the next call. Throws GraphError and EngineError as Model::compile.
  Entry& get(const Shape& input);

 private:
  void make_room_for(const Shape& input);
  Entry& with_runner(Entry& entry) const;

  std::shared_ptr<const models::Model> model_;
  engine::CompileOptions options_;
  int threads_;
  NoteFunction on_note_;
  int64_t max_pixels_;
  std::list<Entry> entries_;  ///< most recently used first
};

}  // namespace zoo::pipeline
