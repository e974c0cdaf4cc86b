// A convolution of a network as a problem, and its parameters to match. Internal to nn/engine.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "nn/engine/choice/convolution.h"
#include "nn/engine/choice/kernel_taps.h"
#include "nn/engine/lower/step_compiler.h"

namespace zoo::engine {

/// Without the taps of the kernel that never read the map, whatever the format.
class ConvolutionNode {
 public:
  /// Precondition: the node is a Conv2d. Both must outlive this.
  ConvolutionNode(const StepCompiler& compiler, graph::NodeId id);

  graph::NodeId id() const { return id_; }
  graph::NodeId source() const { return compiler_.node(id_).inputs[0]; }
  /// What is added before the activation; kNone if nothing is.
  graph::NodeId residual() const;
  /// As the network has it.
  const graph::Conv2d& op() const { return op_; }
  /// Whether taps are left out.
  bool is_cropped() const { return rows_.count < op_.kernel.h || columns_.count < op_.kernel.w; }

  /// Between blocked f32 maps.
  ConvolutionProblem problem() const;

  /// The parameters as `kernel`, which must outlive packing, wants them. `kernel` computes problem() in any formats.
  std::shared_ptr<PackedBlock> add_packed(StepCompiler& compiler, const ConvolutionKernel& kernel) const;
  /// The same with those of the convolution that yields the source, for a kernel that computes both.
  std::shared_ptr<PackedBlock> add_packed_after(StepCompiler& compiler, const graph::Conv2d& expansion,
                                                const ConvolutionKernel& kernel) const;
  /// The same for `pack`, which gets them as ConvolutionKernel::pack does, and fills `bytes`.
  using Pack = std::function<void(std::span<const float> weights, std::span<const float> bias, std::byte* dst)>;
  std::shared_ptr<PackedBlock> add_packed(StepCompiler& compiler, size_t bytes, Pack pack) const;

 private:
  const StepCompiler& compiler_;
  graph::NodeId id_;
  const graph::Conv2d& op_;
  Taps rows_;
  Taps columns_;
};

/// What a convolution's step reads and writes; -1: nothing.
struct ConvolutionValues {
  ValueId src = -1;
  ValueId residual = -1;
  ValueId dst = -1;
  ValueId sums = -1;  ///< of an f32 map; those of a u8 map lie behind it (Value::has_sums)
};

/// Adds the step that runs a kernel, right after its parameters were packed.
void add_convolution_step(StepCompiler& compiler, std::unique_ptr<ConvolutionKernel> kernel,
                          std::shared_ptr<PackedBlock> packed, const ConvolutionValues& values);

}  // namespace zoo::engine
