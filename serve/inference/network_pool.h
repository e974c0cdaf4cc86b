// A served model's network itself, without what its task makes of it.
#pragma once

#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <opencv2/core/mat.hpp>

#include "models/model.h"
#include "nn/core/tensor.h"
#include "pipeline/tasks/network_runner.h"

namespace zoo::serve {

/// Which outputs are computed.
enum class NetworkOutputs {
  kResults,  ///< what the task reads: logits, or the raw maps of a detector
  kAll,      ///< the features, too
};

/// Runs the network on tensors and on pictures; what it yields is what `run` writes (models::collect_results).
/// Thread-safe: each thread has runners of its own while it works, which are kept for the next; packed weights are
/// shared with the predictors that were compiled alike.
class NetworkPool {
 public:
  using Results = std::vector<std::pair<std::string, Tensor>>;

  /// Nothing is compiled before it is needed. Kernels are measured for the model's usual input only, never for what
  /// clients send.
  NetworkPool(std::shared_ptr<const models::Model> model, pipeline::NetworkOptions options);
  ~NetworkPool();
  NetworkPool(const NetworkPool&) = delete;
  NetworkPool& operator=(const NetworkPool&) = delete;

  /// `values`: row-major, of `shape` [N, C, H, W]. Adds to `times`. Throws GraphError and EngineError as
  /// Model::compile.
  Results run(const Shape& shape, std::span<const float> values, NetworkOutputs outputs,
              pipeline::StageTimes& times) const;
  /// Throws as NetworkRunner::run.
  Results run(const cv::Mat& picture, NetworkOutputs outputs, pipeline::StageTimes& times) const;

 private:
  struct Runners;
  class Loan;

  std::unique_ptr<Runners> take() const;

  const std::shared_ptr<const models::Model> model_;
  const pipeline::NetworkOptions options_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Runners>> idle_;  ///< guarded by mutex_
};

}  // namespace zoo::serve
