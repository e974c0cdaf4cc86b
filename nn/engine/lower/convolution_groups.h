// Convolutions that read each other as candidates for one step. Internal to nn/engine.
#pragma once

#include "nn/engine/lower/convolution_step.h"
#include "nn/engine/lower/fusion_plan.h"

namespace zoo::engine {

/// One kernel of a format's list computes two or more convolutions. Chosen like any kernel: it is measured against the
/// best kernels of the convolutions one after the other, remembered, or asked for by name.
class ConvolutionGroups : public GroupKind {
 public:
  /// Which convolutions are considered.
  struct Rules {
    size_t most_members = 2;
    /// Whether neighbours can be, as far as one can tell without the kernels.
    bool (*may_join)(const NetworkFacts& network, const ConvolutionNode& node, const ConvolutionNode& reader);
    /// What is thought of a group.
    Prospect (*prospect)(std::span<const ConvolutionProblem> members);
  };

  ConvolutionGroups(const ConvolutionFormat& format, const Rules& rules) : format_(format), rules_(rules) {}

  /// The longest of those that begin with `first` and are better than their members apart.
  std::vector<graph::NodeId> members(const NetworkFacts& network, KernelChooser& chooser,
                                     graph::NodeId first) const override;
  void lower(const LoweringContext& context, std::span<const graph::NodeId> members) const override;

 private:
  std::vector<ConvolutionNode> possible_members(const NetworkFacts& network, graph::NodeId first) const;
  std::vector<ConvolutionProblem> problems(const NetworkFacts& network, std::span<const ConvolutionNode> members) const;
  bool is_better(const NetworkFacts& network, KernelChooser& chooser,
                 std::span<const ConvolutionProblem> members) const;

  const ConvolutionFormat& format_;
  Rules rules_;
};

}  // namespace zoo::engine
