// Convolutions of f32 networks: from node to problem, candidates, step.
#include <array>
#include <cassert>
#include <span>
#include <utility>
#include <variant>

#include "nn/engine/f32/convolution_list.h"
#include "nn/engine/f32/f32_steps.h"
#include "nn/engine/f32/onednn/onednn_convolution.h"
#include "nn/engine/lower/convolution_groups.h"
#include "nn/engine/machine/capabilities.h"

namespace zoo::engine {
namespace {

bool computes(const NetworkFacts& network, graph::NodeId id) {
  return std::holds_alternative<graph::Conv2d>(network.node(id).op);
}

ConvolutionProblem blocked_problem(const NetworkFacts& /*network*/, const ConvolutionNode& node) {
  return node.problem();
}

constexpr ConvolutionFormat kFormat = {computes, blocked_problem, f32_convolution_kernels};

/// oneDNN does not fuse everything everywhere: the residual and the activation as a step of their own.
bool compile_unfused(const LoweringContext& context, const ConvolutionNode& node, ConvolutionProblem problem) {
  const kernels::ResolvedActivation activation = std::exchange(problem.activation, {});
  const bool has_residual = std::exchange(problem.has_residual, false);
  auto kernel = make_onednn_convolution(problem, context.network.table());
  if (kernel == nullptr) return false;
  add_convolution_step(context, {&node, 1}, problem, std::move(kernel));
  if (has_residual || activation.kind != ActivationKind::kIdentity) {
    compile_map(context, node.id(), context.values.of(node.id()),
                has_residual ? context.values.blocked(node.residual()) : -1, activation);
  }
  return true;
}

/// No kernel for two convolutions reads images, which come row-major, or yields sums for squeeze-and-excite.
bool may_join(const NetworkFacts& network, const ConvolutionNode& node, const ConvolutionNode& reader) {
  return !network.reads_image(node.id()) && !network.is_squeezed(reader.id());
}

/// Only where what lies between is too large for the cache: else nothing is gained.
Prospect prospect(std::span<const ConvolutionProblem> members) {
  const Shape& between = members.front().dst;
  const auto bytes = static_cast<size_t>(between.elements()) / static_cast<size_t>(between[0]) * sizeof(float);
  return bytes < machine_capabilities().caches.l2 / 2 ? Prospect::kNone : Prospect::kGood;
}

}  // namespace

void compile_op(const LoweringContext& context, graph::NodeId id, const graph::Conv2d& /*op*/) {
  const ConvolutionNode node(context.network, id);
  // Images come row-major; the first convolution can read them as they are.
  if (context.network.reads_image(id)) {
    ConvolutionProblem planar = node.problem();
    planar.src_format = kPlanarF32;
    if (compile_convolutions(context, kFormat, {&node, 1}, planar)) return;
  }
  const ConvolutionProblem problem = node.problem();
  ConvolutionKernels kernels = f32_convolution_kernels(problem, context.network.table());
  const bool is_slow = kernels.empty() || kernels.front()->is_last_resort();
  if (is_slow && compile_unfused(context, node, problem)) return;
  [[maybe_unused]] const bool has_kernel =
      compile_convolutions(context, kFormat, {&node, 1}, problem, std::move(kernels));
  assert(has_kernel && "own:direct takes every blocked source");
}

std::span<const GroupKind* const> f32_groups() {
  static const ConvolutionGroups pairs(kFormat, {.most_members = 2, .may_join = may_join, .prospect = prospect});
  static const std::array<const GroupKind*, 1> all = {&pairs};
  return all;
}

}  // namespace zoo::engine
