// How convolutions of any storage format become steps: candidates, choice, what is packed, read and written. Internal
// to nn/engine.
#pragma once

#include <span>

#include "nn/engine/lower/convolution_node.h"
#include "nn/engine/lower/lowering.h"

namespace zoo::engine {

/// What the convolutions of one storage format have in common.
struct ConvolutionFormat {
  /// Whether the format computes the node as a convolution: it is a Conv2d, and no layer on vectors.
  bool (*computes)(const NetworkFacts& network, graph::NodeId id);
  /// The problem in the formats that a network gives it.
  ConvolutionProblem (*problem)(const NetworkFacts& network, const ConvolutionNode& node);
  KernelList list;
  /// Whether kernels round differently, so that the choice must depend neither on the batch nor on the threads: it is
  /// made for one image and one thread.
  bool chosen_for_one_image = false;

  /// What is measured in place of a problem.
  ConvolutionProblem measured(ConvolutionProblem problem) const;
};

/// Adds the step of `members`, of which each reads the one before, on the best kernel for `problem`, which is all of
/// them; false if there is none, then nothing was added.
bool compile_convolutions(const LoweringContext& context, const ConvolutionFormat& format,
                          std::span<const ConvolutionNode> members, const ConvolutionProblem& problem);

/// The same; `kernels` are the format's for the problem.
bool compile_convolutions(const LoweringContext& context, const ConvolutionFormat& format,
                          std::span<const ConvolutionNode> members, const ConvolutionProblem& problem,
                          ConvolutionKernels kernels);

/// The same on this kernel.
void add_convolution_step(const LoweringContext& context, std::span<const ConvolutionNode> members,
                          const ConvolutionProblem& problem, std::unique_ptr<ConvolutionKernel> kernel);

}  // namespace zoo::engine
