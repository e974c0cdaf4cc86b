// What a network may cost: a model file of a few lines can ask for more memory than any machine has, and the system
// would end the program instead of an error.
#pragma once

#include <cstdint>
#include <string>

#include "nn/core/error.h"
#include "nn/core/shape.h"
#include "nn/graph/graph.h"

namespace zoo::models {

/// Checked before anything is allocated. The defaults are far beyond any network that is known to run on a CPU.
struct ModelLimits {
  /// Values of all parameters, running statistics included: 4 GB in f32.
  int64_t parameters = 1'000'000'000;
  /// Of the feature maps that exist at the same time for one input, at 4 bytes a value.
  int64_t activation_bytes = int64_t{4} << 30U;
};

/// A network is larger than the limits allow.
class TooLargeError : public GraphError {
 public:
  TooLargeError(const std::string& what, int64_t needed, int64_t allowed)
      : GraphError(what), needed_(needed), allowed_(allowed) {}
  /// Parameters, or bytes of activations.
  int64_t needed() const { return needed_; }
  int64_t allowed() const { return allowed_; }

 private:
  int64_t needed_;
  int64_t allowed_;
};

/// Bytes of the values of an input [N, C, H, W] that are alive at the same time, at 4 bytes each, when the nodes run in
/// order and a value of the same shape takes the place of one that nobody reads any more: no engine needs less in f32.
/// Throws GraphError as infer_shapes does.
int64_t activation_bytes(const graph::Graph& graph, const Shape& input);

/// Throw TooLargeError; `name` is what the message begins with.
void check_parameters(const graph::Graph& graph, const ModelLimits& limits, const std::string& name);
void check_activations(const graph::Graph& graph, const Shape& input, const ModelLimits& limits,
                       const std::string& name);

}  // namespace zoo::models
