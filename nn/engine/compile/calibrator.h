// Observes the values of a network in f32 to find the ranges that int8 needs.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "nn/engine/calibration.h"
#include "nn/engine/executable.h"
#include "nn/engine/histogram.h"

namespace zoo::engine {

/// Runs one image after the other and counts what occurs. One thread at a time.
class Calibrator {
 public:
  /// `input`: [1, C, H, W]. Throws as Executable::compile.
  Calibrator(const graph::BoundGraph& network, const Shape& input, int threads = 1);

  /// To be filled before observe(), row-major.
  std::span<float> input() { return runner_->input(); }
  void observe();

  /// What the images so far say. Throws EngineError naming a value that was NaN or infinite.
  Calibration finish(RangeMethod method) const;

 private:
  std::string fingerprint_;
  std::shared_ptr<const Executable> executable_;
  std::unique_ptr<Runner> runner_;
  std::vector<Histogram> histograms_;        ///< by output of the executable
  std::vector<Histogram> input_histograms_;  ///< by channel
};

}  // namespace zoo::engine
