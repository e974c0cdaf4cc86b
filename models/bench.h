// How fast a model is on this machine.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/model.h"
#include "nn/engine/executable.h"
#include "nn/engine/machine/thread_pool.h"

namespace zoo::models {

/// How a model is run to be measured.
struct BenchOptions {
  /// [H, W]; usual_input_size when empty.
  std::optional<std::array<int64_t, 2>> input_size = std::nullopt;
  int64_t batch = 1;
  /// Inferences at the same time, each on a thread and a runner of its own, 1 to engine::kMaxThreads; the weights are
  /// shared.
  int streams = 1;
  /// Of every stream's runner; the model file's `runtime.threads` when 0.
  int threads = 0;
  /// `tuned_threads` is not read: it is `threads`. No `precision`: the model file's `runtime`; no `outputs`: what a
  /// predictor of the model's task needs (see result_outputs).
  engine::CompileOptions compile = {};
};

/// Times of one inference (one run of a batch) in milliseconds.
struct BenchFigures {
  Shape input;
  std::string precision;
  int threads = 1;
  int64_t runs = 0;  ///< inferences that were counted
  double median_ms = 0.0;
  double p90_ms = 0.0;  ///< nine of ten inferences took no longer
  double min_ms = 0.0;
  double images_per_s = 0.0;  ///< of all streams together
  double load_ms = 0.0;       ///< model file, weights, compiling, one runner per stream
  double first_ms = 0.0;      ///< the first inference, of one stream
  /// Resident memory that loading and one inference of every stream have added, in 10^6 bytes; the first model of a
  /// process brings in the code of the libraries, too.
  double memory_mb = 0.0;
};

/// One model, ready to be measured in turns with others. One thread at a time.
class Bench {
 public:
  /// Loads and compiles, and runs every stream once. Throws as Model::load and Model::compile, EngineError for an
  /// option out of range.
  Bench(const std::filesystem::path& file, const LoadModelOptions& load, const BenchOptions& options = {});

  /// Every stream runs for this long, at least once, and nothing of it counts.
  void warm_up(std::chrono::duration<double> duration);
  /// The same, counted.
  void measure(std::chrono::duration<double> duration);

  BenchFigures figures() const;
  const engine::Executable& executable() const { return *executable_; }

 private:
  struct Stream {
    std::unique_ptr<engine::Runner> runner;
    std::vector<double> run_ms;
    double busy_ms = 0.0;  ///< from the begin of each turn to its last inference's end
  };

  std::unique_ptr<const Model> model_;  ///< stays loaded, as in a program that uses it
  std::string precision_;
  int threads_ = 1;
  std::shared_ptr<const engine::Executable> executable_;
  std::vector<Stream> streams_;
  std::unique_ptr<engine::ThreadPool> pool_;
  double load_ms_ = 0.0;
  double first_ms_ = 0.0;
  double memory_mb_ = 0.0;
};

}  // namespace zoo::models
