// Where the time of an inference goes, step by step, and how far each step is from what the machine can do.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "nn/engine/executable.h"
#include "nn/engine/roofline.h"

namespace zoo::engine {

struct StepProfile {
  StepInfo info;
  double ms = 0.0;  ///< median
  StepLimit limit;
};

struct Profile {
  std::vector<StepProfile> steps;  ///< in the order of execution
  double sum_ms = 0.0;             ///< of the steps' medians
  double run_ms = 0.0;             ///< median of whole runs without timers inside
  double limit_ms = 0.0;           ///< of the steps' limits
  int64_t rounds = 0;
};

/// Collects the times of one network's steps. One thread at a time.
class Profiler {
 public:
  /// Makes a runner with so many threads and measures the machine's limits (measure_roofline) once it has run.
  /// `options`: those that the executable was compiled with. `image`: values of its input.
  Profiler(std::shared_ptr<const Executable> executable, const CompileOptions& options, int threads,
           std::span<const float> image);

  /// One run as it is and one with timers between the steps.
  void round();

  const Roofline& roofline() const { return roofline_; }
  Profile profile() const;

 private:
  std::shared_ptr<const Executable> executable_;
  int threads_;
  std::unique_ptr<Runner> runner_;
  std::vector<StepInfo> steps_;
  Roofline roofline_;
  std::vector<int64_t> lap_ns_;
  std::vector<std::vector<int64_t>> step_ns_;  ///< by step
  std::vector<int64_t> run_ns_;
};

}  // namespace zoo::engine
