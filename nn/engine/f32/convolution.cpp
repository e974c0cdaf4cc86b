#include "nn/engine/choice/convolution.h"

#include <algorithm>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/engine/choice/kernel_choice.h"
#include "nn/engine/choice/kernel_taps.h"
#include "nn/engine/f32/convolution_list.h"
#include "nn/engine/f32/f32_steps.h"
#include "nn/engine/f32/onednn/onednn_convolution.h"
#include "nn/engine/machine/capabilities.h"

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
                         .scratch = memory.scratch,
                         .threads = memory.threads});
  }

  std::unique_ptr<ConvolutionKernel> kernel;
  std::shared_ptr<PackedBlock> packed;
};

std::vector<float> joined(std::span<const float> first, std::span<const float> second) {
  std::vector<float> all(first.begin(), first.end());
  all.insert(all.end(), second.begin(), second.end());
  return all;
}

/// With zeros up to `count`.
std::vector<float> padded(std::span<const float> values, int64_t count) {
  std::vector<float> all(values.begin(), values.end());
  all.resize(static_cast<size_t>(count));
  return all;
}

class ConvolutionCompiler {
 public:
  ConvolutionCompiler(StepCompiler& compiler, graph::NodeId id, const graph::Conv2d& op)
      : compiler_(compiler),
        id_(id),
        op_(op),
        src_(compiler.node(id).inputs[0]),
        residual_(compiler.node(id).inputs.size() > 1 ? compiler.node(id).inputs[1] : graph::kNone) {
    const Shape& src = compiler.shape(src_);
    const Shape& dst = compiler.shape(id);
    const graph::ResolvedPadding pad = graph::resolve_padding(op, {src[2], src[3]});
    rows_ = reading_taps(op.kernel.h, op.stride.h, op.dilation.h, pad.begin.h, src[2], dst[2]);
    columns_ = reading_taps(op.kernel.w, op.stride.w, op.dilation.w, pad.begin.w, src[3], dst[3]);
  }

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
    const Shape& src = compiler_.shape(src_);
    const Shape& dst = compiler_.shape(id_);
    graph::Conv2d op = op_;
    graph::ResolvedPadding pad = graph::resolve_padding(op_, {src[2], src[3]});
    if (is_cropped()) {
      op.kernel = {rows_.count, columns_.count};
      if (rows_.count == 1) op.dilation.h = 1;
      if (columns_.count == 1) op.dilation.w = 1;
      pad.begin = {pad.begin.h - rows_.first * op_.dilation.h, pad.begin.w - columns_.first * op_.dilation.w};
      pad.end = {(dst[2] - 1) * op.stride.h + (op.kernel.h - 1) * op.dilation.h + 1 - src[2] - pad.begin.h,
                 (dst[3] - 1) * op.stride.w + (op.kernel.w - 1) * op.dilation.w + 1 - src[3] - pad.begin.w};
    }
    return {.op = op,
            .src = src,
            .dst = dst,
            .pad = pad,
            .activation = compiler_.resolve(op_.activation),
            .has_residual = residual_ != graph::kNone,
            .src_format = src_format,
            .threads = compiler_.tuned_threads(),
            .compact_layers = compiler_.compact_layers(),
            .machine = compiler_.capabilities()};
  }

  bool is_cropped() const { return rows_.count < op_.kernel.h || columns_.count < op_.kernel.w; }

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
    const ConvolutionCompiler second(compiler_, reader, *next);
    if (second.is_cropped()) return false;
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
      compile_map(compiler_, id_, compiler_.value_of(id_), has_residual ? compiler_.blocked_value_of(residual_) : -1,
                  activation);
    }
    return true;
  }

  void emit(const ConvolutionProblem& problem, std::unique_ptr<ConvolutionKernel> kernel) {
    auto step = std::make_unique<ConvolutionStep>();
    step->info.implementation = kernel->name();
    step->thread_scratch_bytes = [&kernel = *kernel](int threads) { return kernel.scratch_bytes(threads); };
    const graph::NodeId src = problem.expansion ? compiler_.node(src_).inputs[0] : src_;
    step->reads = {problem.src_format == kPlanarF32 ? compiler_.value_of(src) : compiler_.blocked_value_of(src)};
    if (problem.has_residual) step->reads.push_back(compiler_.blocked_value_of(residual_));
    step->writes = compiler_.add_value(problem.dst, Layout::kBlocked);
    if (kernel->can_sum() && compiler_.is_squeezed(id_)) {
      step->also_writes = compiler_.add_value({problem.dst[0], problem.dst[1]}, Layout::kBlocked);
      compiler_.set_sums(id_, step->also_writes);
    }
    // The step owns the kernel and outlives packing.
    const Parameters own = parameters(op_);
    if (problem.expansion) {
      step->packed = compiler_.add_packed(
          kernel->packed_bytes(), [&kernel = *kernel, own, first = parameters(problem.expansion->op)](std::byte* dst) {
            kernel.pack(joined(own.weights, first.weights),
                        joined(padded(own.bias, own.outputs), padded(first.bias, first.outputs)), dst);
          });
    } else if (is_cropped()) {
      step->packed = compiler_.add_packed(kernel->packed_bytes(), [&kernel = *kernel, own, size = op_.kernel,
                                                                   rows = rows_, columns = columns_](std::byte* dst) {
        kernel.pack(cropped(own.weights, size, rows, columns), own.bias, dst);
      });
    } else {
      const auto pack = [&kernel = *kernel, own](std::byte* dst) { kernel.pack(own.weights, own.bias, dst); };
      const std::string packing = kernel->packing();
      step->packed = packing.empty()
                         ? compiler_.add_packed(kernel->packed_bytes(), pack)
                         : compiler_.add_shared_packed(fmt::format("{} {} {}", packing, op_.weight, op_.bias),
                                                       kernel->packed_bytes(), pack);
    }
    step->kernel = std::move(kernel);
    compiler_.set_value(id_, step->writes);
    compiler_.add_step(std::move(step));
  }

  struct Parameters {
    std::span<const float> weights;
    std::span<const float> bias;
    int64_t outputs;
  };
  Parameters parameters(const graph::Conv2d& op) const {
    return {compiler_.parameter(op.weight), compiler_.parameter(op.bias), op.out_channels};
  }

  StepCompiler& compiler_;
  graph::NodeId id_;
  const graph::Conv2d& op_;
  graph::NodeId src_;
  graph::NodeId residual_;
  Taps rows_;
  Taps columns_;
};

}  // namespace

void compile_op(StepCompiler& compiler, graph::NodeId id, const graph::Conv2d& op) {
  ConvolutionCompiler(compiler, id, op).compile();
}

}  // namespace zoo::engine
