#include "nn/engine/convolution.h"

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/engine/kernel_choice.h"
#include "nn/engine/step_compiler.h"

namespace zoo::engine {
namespace {

class ConvolutionStep : public Step {
 public:
  std::unique_ptr<BoundStep> bind(const RunnerMemory& memory) const override {
    return kernel->bind({.src = memory[reads[0]],
                         .packed = packed->data,
                         .residual = reads.size() > 1 ? memory[reads[1]] : nullptr,
                         .dst = memory[writes],
                         .sums = also_writes < 0 ? nullptr : memory[also_writes],
                         .scratch = memory.scratch});
  }

  std::unique_ptr<ConvolutionKernel> kernel;
  std::shared_ptr<PackedBlock> packed;
};

class ConvolutionCompiler {
 public:
  ConvolutionCompiler(StepCompiler& compiler, graph::NodeId id, const graph::Conv2d& op)
      : compiler_(compiler),
        id_(id),
        op_(op),
        src_(compiler.node(id).inputs[0]),
        residual_(compiler.node(id).inputs.size() > 1 ? compiler.node(id).inputs[1] : graph::kNone) {}

  void compile() {
    // Images come row-major; the first convolution can read them as they are.
    if (compiler_.value(compiler_.value_of(src_)).layout == Layout::kPlanar) {
      const ConvolutionProblem planar = problem(Layout::kPlanar);
      if (emit_best(planar, convolution_kernels(planar, compiler_.table()))) return;
    }
    const ConvolutionProblem fused = problem(Layout::kBlocked);
    ConvolutionKernels kernels = convolution_kernels(fused, compiler_.table());
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
  ConvolutionProblem problem(Layout src_layout) const {
    const Shape& src = compiler_.shape(src_);
    return {.op = op_,
            .src = src,
            .dst = compiler_.shape(id_),
            .pad = graph::resolve_padding(op_, {src[2], src[3]}),
            .activation = compiler_.resolve(op_.activation),
            .has_residual = residual_ != graph::kNone,
            .src_layout = src_layout,
            .threads = compiler_.threads(),
            .compact_layers = compiler_.compact_layers()};
  }

  bool emit_best(const ConvolutionProblem& problem, ConvolutionKernels kernels) {
    if (kernels.empty()) return false;
    const size_t best = compiler_.chooser().choose(problem, kernels);
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
      compile_map(compiler_, id_, compiler_.value_of(id_), has_residual ? compiler_.blocked_value_of(residual_) : -1,
                  activation);
    }
    return true;
  }

  void emit(const ConvolutionProblem& problem, std::unique_ptr<ConvolutionKernel> kernel) {
    auto step = std::make_unique<ConvolutionStep>();
    step->info.implementation = kernel->name();
    step->scratch_bytes = kernel->scratch_bytes();
    step->reads = {problem.src_layout == Layout::kPlanar ? compiler_.value_of(src_) : compiler_.blocked_value_of(src_)};
    if (problem.has_residual) step->reads.push_back(compiler_.blocked_value_of(residual_));
    step->writes = compiler_.add_value(problem.dst, Layout::kBlocked);
    if (kernel->can_sum() && compiler_.is_squeezed(id_)) {
      step->also_writes = compiler_.add_value({problem.dst[0], problem.dst[1]}, Layout::kBlocked);
      compiler_.set_sums(id_, step->also_writes);
    }
    // The step that owns the kernel outlives packing.
    step->packed = compiler_.add_packed(
        kernel->packed_bytes(),
        [&kernel = *kernel, weights = compiler_.parameter(op_.weight),
         bias = compiler_.parameter(op_.bias)](std::byte* dst) { kernel.pack(weights, bias, dst); });
    step->kernel = std::move(kernel);
    compiler_.set_value(id_, step->writes);
    compiler_.add_step(std::move(step));
  }

  StepCompiler& compiler_;
  graph::NodeId id_;
  const graph::Conv2d& op_;
  graph::NodeId src_;
  graph::NodeId residual_;
};

}  // namespace

std::string to_string(const ConvolutionProblem& p) {
  const graph::Conv2d& op = p.op;
  return fmt::format("{} -> {} k{}x{} s{}x{} d{}x{} p{}.{}.{}.{} g{} {}{}{}{} t{}", p.src.to_string(),
                     p.dst.to_string(), op.kernel.h, op.kernel.w, op.stride.h, op.stride.w, op.dilation.h,
                     op.dilation.w, p.pad.begin.h, p.pad.begin.w, p.pad.end.h, p.pad.end.w, op.groups,
                     to_string(p.activation.kind), p.has_bias() ? " bias" : "", p.has_residual ? " residual" : "",
                     p.src_layout == Layout::kPlanar ? " planar" : "", p.threads);
}

ConvolutionKernels convolution_kernels(const ConvolutionProblem& problem, const kernels::KernelTable& table) {
  ConvolutionKernels all;
  const auto add = [&](std::unique_ptr<ConvolutionKernel> kernel) {
    if (kernel != nullptr) all.push_back(std::move(kernel));
  };
  add(make_depthwise_convolution(problem, table));
  add(make_stem_convolution(problem, table));
  add(make_mat_vec_convolution(problem, table));
  add(make_pointwise_convolution(problem, table));
  add(make_onednn_convolution(problem, table));
  add(make_direct_convolution(problem, table));
  return all;
}

void compile_convolution(StepCompiler& compiler, graph::NodeId id, const graph::Conv2d& op) {
  ConvolutionCompiler(compiler, id, op).compile();
}

}  // namespace zoo::engine
