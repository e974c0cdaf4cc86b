// One version of a served model, ready to answer.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/tasks/network_runner.h"
#include "serve/inference/infer_types.h"
#include "serve/inference/network_pool.h"
#include "streams/model_slot.h"

namespace zoo::serve {

/// What one request took.
struct InferWork {
  int64_t pictures = 0;    ///< or rows of tensors
  int64_t executions = 0;  ///< runs of the network
  double input_ms = 0.0;   ///< decoding pictures, preprocessing
  double infer_ms = 0.0;
  double output_ms = 0.0;
};

/// What a request may not go beyond.
struct InferLimits {
  int64_t pictures = 256;  ///< or rows of tensors
  /// Whether the server ends and the rest is not to be worked on; asked before each picture. Empty: never.
  std::function<bool()> ended = {};
};

/// Immutable; thread-safe for as many threads as `served` was made for.
class LoadedModel {
 public:
  /// `name`: what it is served under. `options`: those that `served` was made with.
  LoadedModel(const std::string& name, std::shared_ptr<const streams::ServedModel> served,
              const pipeline::NetworkOptions& options);

  const std::shared_ptr<const ServedModelInfo>& info() const { return info_; }
  int64_t version() const { return info_->version; }

  /// Pictures through the task's predictor, and through the network alone where its outputs are asked for; tensors
  /// through the network. One picture at a time is decoded and held. Throws what is the request's fault as Error, what
  /// is not as InferError of status 500; 404 for outputs that there are not; 503 where `limits` say that it ends.
  std::vector<NamedTensor> infer(InferRequest request, const InferLimits& limits, InferWork& work) const;

 private:
  class Collected;
  std::vector<NamedTensor> infer_pictures(NamedTensor input, const std::vector<std::string>& wanted,
                                          const InferLimits& limits, InferWork& work) const;
  std::vector<NamedTensor> infer_tensor(const NamedTensor& input, const std::vector<std::string>& wanted,
                                        InferWork& work) const;
  void check_outputs(const std::vector<std::string>& wanted, bool of_pictures) const;
  bool is_answer(const std::string& output) const;
  NetworkOutputs needed_for(const std::vector<std::string>& outputs) const;

  const std::shared_ptr<const streams::ServedModel> served_;
  const std::shared_ptr<const ServedModelInfo> info_;
  const NetworkPool networks_;
  std::vector<std::string> answers_;  ///< outputs of pictures only
  std::vector<std::string> results_;  ///< the network's outputs that NetworkOutputs::kResults yields
};

}  // namespace zoo::serve
