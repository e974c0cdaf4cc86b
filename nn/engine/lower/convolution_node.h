// A convolution of a network as a problem, and its parameters to match. Internal to nn/engine.
#pragma once

#include <span>
#include <vector>

#include "nn/engine/choice/convolution.h"
#include "nn/engine/choice/kernel_taps.h"
#include "nn/engine/lower/network_facts.h"

namespace zoo::engine {

/// What a convolution is multiplied with. Outlives the facts of the network, not its values.
struct ConvolutionParameters {
  std::span<const float> weights;  ///< all taps
  std::span<const float> bias;     ///< empty, or one per output
  int64_t outputs = 0;
  graph::Size2d kernel;
  Taps rows;  ///< that are used
  Taps columns;

  /// Whether taps are left out.
  bool is_cropped() const { return rows.count < kernel.h || columns.count < kernel.w; }
  /// Those of the taps that are used.
  std::vector<float> used_weights() const;
};

/// Without the taps of the kernel that never read the map, whatever the format.
class ConvolutionNode {
 public:
  /// Precondition: the node is a Conv2d. The network must outlive this.
  ConvolutionNode(const NetworkFacts& network, graph::NodeId id);

  graph::NodeId id() const { return id_; }
  graph::NodeId source() const { return network_->node(id_).inputs[0]; }
  /// What is added before the activation; kNone if nothing is.
  graph::NodeId residual() const;
  /// As the network has it.
  const graph::Conv2d& op() const { return *op_; }

  /// Between blocked f32 maps.
  ConvolutionProblem problem() const;

  ConvolutionParameters parameters() const;

 private:
  const NetworkFacts* network_;
  graph::NodeId id_;
  const graph::Conv2d* op_;
  Taps rows_;
  Taps columns_;
};

}  // namespace zoo::engine
