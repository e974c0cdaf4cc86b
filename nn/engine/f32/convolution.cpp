#include "nn/engine/choice/convolution.h"

#include <algorithm>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/engine/choice/kernel_choice.h"
#include "nn/engine/f32/convolution_list.h"
#include "nn/engine/f32/f32_steps.h"
#include "nn/engine/f32/onednn/onednn_convolution.h"
#include "nn/engine/lower/convolution_node.h"
#include "nn/engine/machine/capabilities.h"

namespace zoo::engine {
namespace {

class ConvolutionCompiler {
 public:
  ConvolutionCompiler(StepCompiler& compiler, graph::NodeId id)
      : compiler_(compiler), id_(id), node_(compiler, id), op_(node_.op()), src_(node_.source()) {}

  void compile() {
    if (compiler_.is_left_to_reader(src_)) {
      const ConvolutionProblem fused = problem_after(src_);
      emit_best(fused, f32_convolution_kernels(fused, compiler_.table()));
      return;
    }
    if (is_better_fused()) {
      compiler_.leave_to_reader(id_);
      return;
    }
    // Images come row-major; the first convolution can read them as they are.
    if (compiler_.value(compiler_.value_of(src_)).layout == Layout::kPlanar) {
      const ConvolutionProblem planar = problem(kPlanarF32);
      if (emit_best(planar, f32_convolution_kernels(planar, compiler_.table()))) return;
    }
    const ConvolutionProblem fused = problem(kBlockedF32);
    ConvolutionKernels kernels = f32_convolution_kernels(fused, compiler_.table());
    const bool is_slow = kernels.empty() || kernels.front()->is_last_resort();
    if (is_slow && emit_unfused(fused)) return;
    if (emit_best(fused, std::move(kernels))) return;
    throw EngineError(
        fmt::format("node \"{}\" (Conv2d {}x{} stride {} dilation {} groups {}, {} -> {}): neither oneDNN nor this "
                    "project has a fast implementation",
                    compiler_.node(id_).name, op_.kernel.h, op_.kernel.w, op_.stride.h, op_.dilation.h, op_.groups,
                    fused.src.to_string(), fused.dst.to_string()));
  }

 private:
  ConvolutionProblem problem(Format src_format) const {
    ConvolutionProblem result = node_.problem();
    result.src_format = src_format;
    return result;
  }

  /// The same with the convolution that yields its source.
  ConvolutionProblem problem_after(graph::NodeId expansion) const {
    const auto& op = std::get<graph::Conv2d>(compiler_.node(expansion).op);
    ConvolutionProblem fused = problem(kBlockedF32);
    fused.src = compiler_.shape(compiler_.node(expansion).inputs[0]);
    fused.expansion = {op, graph::resolve_padding(op, {fused.src[2], fused.src[3]}), compiler_.resolve(op.activation)};
    return fused;
  }

  /// Whether the one convolution that reads this one's result does both at once, and faster. Only where the result is
  /// too large for the cache: else nothing is gained.
  bool is_better_fused() const {
    const ConvolutionProblem first = problem(kBlockedF32);
    const auto bytes = static_cast<size_t>(first.dst.elements()) / static_cast<size_t>(first.dst[0]) * sizeof(float);
    const graph::NodeId reader = compiler_.sole_reader(id_);
    if (!compiler_.is_f32() || first.has_residual || reader == graph::kNone ||
        bytes < machine_capabilities().caches.l2 / 2) {
      return false;
    }
    const auto* next = std::get_if<graph::Conv2d>(&compiler_.node(reader).op);
    if (next == nullptr || compiler_.node(reader).inputs.front() != id_ || compiler_.is_squeezed(reader)) return false;
    if (compiler_.value(compiler_.value_of(src_)).layout != Layout::kBlocked) return false;
    const ConvolutionCompiler second(compiler_, reader);
    if (second.node_.is_cropped()) return false;
    const ConvolutionProblem both = second.problem_after(id_);
    const ConvolutionProblem alone = second.problem(kBlockedF32);
    const ConvolutionKernels fused = f32_convolution_kernels(both, compiler_.table());
    if (fused.empty()) return false;
    const ConvolutionKernels firsts = f32_convolution_kernels(first, compiler_.table());
    const ConvolutionKernels seconds = f32_convolution_kernels(alone, compiler_.table());
    return compiler_.chooser().prefers(
        {both, fused, f32_convolution_kernels},
        {{{first, firsts, f32_convolution_kernels}, {alone, seconds, f32_convolution_kernels}}});
  }

  bool emit_best(const ConvolutionProblem& problem, ConvolutionKernels kernels) {
    if (kernels.empty()) return false;
    const size_t best = compiler_.chooser().choose({problem, kernels, f32_convolution_kernels});
    emit(problem, std::move(kernels[best]));
    return true;
  }

  /// oneDNN does not fuse everything everywhere: the residual and the activation as a step of their own.
  bool emit_unfused(ConvolutionProblem problem) {
    const kernels::ResolvedActivation activation = problem.activation;
    const bool has_residual = problem.has_residual;
    problem.activation = {};
    problem.has_residual = false;
    auto kernel = make_onednn_convolution(problem, compiler_.table());
    if (kernel == nullptr) return false;
    emit(problem, std::move(kernel));
    if (has_residual || activation.kind != ActivationKind::kIdentity) {
      compile_map(compiler_, id_, compiler_.value_of(id_),
                  has_residual ? compiler_.blocked_value_of(node_.residual()) : -1, activation);
    }
    return true;
  }

  void emit(const ConvolutionProblem& problem, std::unique_ptr<ConvolutionKernel> kernel) {
    const graph::NodeId src = problem.expansion ? compiler_.node(src_).inputs[0] : src_;
    ConvolutionValues values;
    values.src = problem.src_format == kPlanarF32 ? compiler_.value_of(src) : compiler_.blocked_value_of(src);
    if (problem.has_residual) values.residual = compiler_.blocked_value_of(node_.residual());
    values.dst = compiler_.add_value(problem.dst, kBlockedF32);
    if (kernel->can_sum() && compiler_.is_squeezed(id_)) {
      values.sums = compiler_.add_value({problem.dst[0], problem.dst[1]}, kBlockedF32);
      compiler_.set_sums(id_, values.sums);
    }
    auto packed = problem.expansion ? node_.add_packed_after(compiler_, problem.expansion->op, *kernel)
                                    : node_.add_packed(compiler_, *kernel);
    add_convolution_step(compiler_, std::move(kernel), std::move(packed), values);
    compiler_.set_value(id_, values.dst);
  }

  StepCompiler& compiler_;
  graph::NodeId id_;
  ConvolutionNode node_;
  const graph::Conv2d& op_;
  graph::NodeId src_;
};

}  // namespace

void compile_op(StepCompiler& compiler, graph::NodeId id, const graph::Conv2d& /*op*/) {
  ConvolutionCompiler(compiler, id).compile();
}

}  // namespace zoo::engine
