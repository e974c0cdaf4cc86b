// Convolutions of bf16 networks: from node to problem, candidates, step.
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "nn/engine/bf16/bf16_rows.h"
#include "nn/engine/bf16/bf16_steps.h"
#include "nn/engine/bf16/convolution_list.h"
#include "nn/engine/bf16/tile_source.h"

namespace zoo::engine {
namespace {

constexpr KernelList kList = bf16_convolution_kernels;

/// What is measured: kernels round differently, so the choice must not depend on the batch or the threads.
ConvolutionProblem of_one_image(ConvolutionProblem problem) {
  problem.src[0] = 1;
  problem.dst[0] = 1;
  problem.threads = 1;
  return problem;
}

class Bf16ConvolutionCompiler {
 public:
  Bf16ConvolutionCompiler(StepCompiler& compiler, const ConvolutionNode& node) : compiler_(compiler), node_(node) {}

  bool compile() {
    if (feeds_bf16_rows(compiler_, node_)) {
      compiler_.leave_to_reader(node_.id());
      return true;
    }
    if (compiler_.is_left_to_reader(node_.source())) {
      if (node_.op().groups == 1) {
        compile_bf16_rows(compiler_, node_);
        return true;
      }
      return compile_best(problem_after(node_.source()));
    }
    if (is_better_fused()) {
      compiler_.leave_to_reader(node_.id());
      return true;
    }
    const ConvolutionProblem problem = bf16_problem(compiler_, node_);
    return compile_best(problem) || compile_unfused(problem);
  }

 private:
  /// With the convolution that yields the source.
  ConvolutionProblem problem_after(graph::NodeId first) const {
    const ConvolutionProblem expansion = bf16_problem(compiler_, ConvolutionNode(compiler_, first));
    const auto& op = std::get<graph::Conv2d>(compiler_.node(first).op);
    ConvolutionProblem fused = bf16_problem(compiler_, node_);
    fused.src = expansion.src;
    fused.src_format = expansion.src_format;
    fused.expansion = {op, graph::resolve_padding(op, {fused.src[2], fused.src[3]}), expansion.activation};
    return fused;
  }

  /// Whether the depthwise convolution that reads this one's result does both at once, and faster.
  bool is_better_fused() const {
    const graph::NodeId reader = compiler_.sole_reader(node_.id());
    if (reader == graph::kNone || !std::holds_alternative<graph::Conv2d>(compiler_.node(reader).op)) return false;
    if (compiler_.node(reader).inputs.front() != node_.id() || node_.is_cropped()) return false;
    const ConvolutionNode next(compiler_, reader);
    const ConvolutionProblem first = of_one_image(bf16_problem(compiler_, node_));
    if (first.has_residual || next.is_cropped()) return false;
    const ConvolutionProblem alone = of_one_image(bf16_problem(compiler_, next));
    const ConvolutionProblem both = of_one_image(Bf16ConvolutionCompiler(compiler_, next).problem_after(node_.id()));
    const ConvolutionKernels fused = kList(both, compiler_.table());
    if (fused.empty()) return false;
    const ConvolutionKernels firsts = kList(first, compiler_.table());
    const ConvolutionKernels seconds = kList(alone, compiler_.table());
    return compiler_.chooser().prefers({both, fused, kList}, {{{first, firsts, kList}, {alone, seconds, kList}}},
                                       !usually_pays(first.dst));
  }

  /// Whether it usually pays to keep a map in the cache: from this size on, and not for the smallest maps (Sapphire
  /// Rapids).
  static bool usually_pays(const Shape& map) {
    constexpr int64_t kLeastBytes = 224 * 1024;
    constexpr int64_t kLeastArea = 100;
    const int64_t area = StepCompiler::area(map);
    const int64_t bytes = area * kernels::padded_channels(map[1]) * static_cast<int64_t>(sizeof(kernels::Bf16));
    return area >= kLeastArea && bytes >= kLeastBytes;
  }

  bool compile_best(const ConvolutionProblem& problem) {
    ConvolutionKernels kernels = kList(problem, compiler_.table());
    if (kernels.empty()) return false;
    const ConvolutionProblem measured = of_one_image(problem);
    const ConvolutionKernels of_measured = kList(measured, compiler_.table());
    const size_t best = compiler_.chooser().choose({measured, of_measured, kList});
    std::unique_ptr<ConvolutionKernel> kernel = std::move(kernels[best]);
    const graph::NodeId src = problem.expansion ? compiler_.node(node_.source()).inputs[0] : node_.source();
    ConvolutionValues values;
    values.src =
        problem.src_format == kPlanarF32 ? compiler_.value_of(src) : compiler_.value_in(src, kChannelsLastBf16);
    if (problem.has_residual) values.residual = compiler_.value_in(node_.residual(), kChannelsLastBf16);
    values.dst = compiler_.add_value(problem.dst, kChannelsLastBf16);
    auto packed = problem.expansion ? node_.add_packed_after(compiler_, problem.expansion->op, *kernel)
                                    : node_.add_packed(compiler_, *kernel);
    add_convolution_step(compiler_, std::move(kernel), std::move(packed), values);
    compiler_.set_value(node_.id(), values.dst);
    return true;
  }

  /// The residual and the activation as a step of their own.
  bool compile_unfused(ConvolutionProblem problem) {
    const kernels::ResolvedActivation activation = std::exchange(problem.activation, {});
    const bool has_residual = std::exchange(problem.has_residual, false);
    if (!compile_best(problem)) return false;
    const ValueId residual = has_residual ? compiler_.value_in(node_.residual(), kChannelsLastBf16) : -1;
    compile_bf16_map(compiler_, node_.id(), compiler_.value_of(node_.id()), residual, activation);
    return true;
  }

  StepCompiler& compiler_;
  const ConvolutionNode& node_;
};

}  // namespace

ConvolutionProblem bf16_problem(const StepCompiler& compiler, const ConvolutionNode& node) {
  ConvolutionProblem problem = node.problem();
  problem.dst_format = kChannelsLastBf16;
  problem.src_format = kPlanarF32;
  // Images come row-major; the first convolution can read them as they are.
  const bool comes_planar =
      compiler.has_value(node.source()) && compiler.value(compiler.value_of(node.source())).layout == Layout::kPlanar;
  if (!comes_planar || !is_bf16_dense(problem)) problem.src_format = kChannelsLastBf16;
  return problem;
}

bool is_bf16_layer(const StepCompiler& compiler, graph::NodeId id) {
  const auto& op = std::get<graph::Conv2d>(compiler.node(id).op);
  const std::vector<graph::NodeId>& inputs = compiler.node(id).inputs;
  return op.groups == 1 && op.kernel == graph::Size2d{1, 1} && inputs.size() == 1 &&
         StepCompiler::area(compiler.shape(inputs[0])) == 1 && StepCompiler::area(compiler.shape(id)) == 1;
}

bool compile_bf16_convolution(StepCompiler& compiler, graph::NodeId id, const graph::Conv2d& op) {
  if (is_bf16_layer(compiler, id)) {
    compile_bf16_layer(compiler, id, {op.weight, op.bias, op.in_channels, op.out_channels, op.activation});
    return true;
  }
  const ConvolutionNode node(compiler, id);
  return Bf16ConvolutionCompiler(compiler, node).compile();
}

}  // namespace zoo::engine
