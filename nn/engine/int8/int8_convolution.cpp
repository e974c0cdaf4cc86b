// Convolutions of int8 networks: from node to problem, candidates, step.
#include <algorithm>
#include <memory>
#include <utility>
#include <variant>

#include "nn/engine/int8/convolution_list.h"
#include "nn/engine/int8/int8_rows.h"
#include "nn/engine/int8/int8_steps.h"

namespace zoo::engine {
namespace {

/// Whether a node reads its input as u8.
bool reads_int8(const StepCompiler& compiler, graph::NodeId reader) {
  const graph::Op& op = compiler.node(reader).op;
  if (const auto* conv = std::get_if<graph::Conv2d>(&op)) {
    return int8_sums_fit(*conv) && !is_int8_layer(compiler, reader, *conv);
  }
  const bool is_map_op = std::visit([]<typename Typed>(const Typed&) { return kReadsInt8Maps<Typed>; }, op);
  return is_map_op && StepCompiler::area(compiler.shape(compiler.node(reader).inputs[0])) > 1;
}

/// Whether the mean over all positions of a node's value is read.
bool sums_are_read(const StepCompiler& compiler, graph::NodeId id) {
  return std::ranges::any_of(compiler.readers(id), [&](graph::NodeId reader) {
    const graph::Op& op = compiler.node(reader).op;
    return std::holds_alternative<graph::SqueezeExcite>(op) || std::holds_alternative<graph::GlobalAvgPool>(op);
  });
}

/// One convolution as a step of its own; false if no kernel here computes it.
bool compile_alone(StepCompiler& compiler, const ConvolutionNode& node) {
  const ConvolutionProblem problem = int8_problem(compiler, node);
  ConvolutionKernels kernels = int8_convolution_kernels(problem, compiler.table());
  if (kernels.empty()) return false;
  const size_t best = compiler.chooser().choose({problem, kernels, int8_convolution_kernels});
  std::unique_ptr<ConvolutionKernel> kernel = std::move(kernels[best]);
  ConvolutionValues values;
  values.src = problem.src_format == kPlanarF32 ? compiler.value_of(0) : compiler.int8_value_of(node.source());
  if (problem.has_residual) values.residual = compiler.int8_value_of(node.residual());
  values.dst = problem.dst_format == kChannelsLastU8
                   ? compiler.add_int8_value(node.id(), kernel->can_sum() && sums_are_read(compiler, node.id()))
                   : compiler.add_value(problem.dst, kBlockedF32);
  auto packed = node.add_packed(compiler, *kernel);
  add_convolution_step(compiler, std::move(kernel), std::move(packed), values);
  compiler.set_value(node.id(), values.dst);
  return true;
}

}  // namespace

ConvolutionProblem int8_problem(const StepCompiler& compiler, const ConvolutionNode& node) {
  ConvolutionProblem problem = node.problem();
  problem.src_format = reads_image(compiler, node.id()) ? kPlanarF32 : kChannelsLastU8;
  problem.dst_format = wants_int8(compiler, node.id()) ? kChannelsLastU8 : kBlockedF32;
  problem.quantization.src = compiler.quantization(node.source());
  if (problem.dst_format == kChannelsLastU8) problem.quantization.dst = compiler.quantization(node.id());
  if (problem.has_residual) problem.quantization.residual = compiler.quantization(node.residual());
  return problem;
}

bool reads_image(const StepCompiler& compiler, graph::NodeId id) { return compiler.node(id).inputs[0] == 0; }

bool wants_int8(const StepCompiler& compiler, graph::NodeId id) {
  const auto& readers = compiler.readers(id);
  return std::ranges::any_of(readers, [&](graph::NodeId reader) { return reads_int8(compiler, reader); });
}

bool is_int8_layer(const StepCompiler& compiler, graph::NodeId id, const graph::Conv2d& op) {
  const bool explicit_padding = op.padding == graph::PaddingMode::kExplicit && op.pad != graph::Size2d{0, 0};
  return op.kernel == graph::Size2d{1, 1} && op.groups == 1 && !explicit_padding &&
         compiler.node(id).inputs.size() == 1 && StepCompiler::area(compiler.shape(compiler.node(id).inputs[0])) == 1;
}

bool compile_int8_convolution(StepCompiler& compiler, graph::NodeId id, const graph::Conv2d& op) {
  if (is_int8_layer(compiler, id, op)) {
    return compile_int8_layer(compiler, id, {op.weight, op.bias, op.in_channels, op.out_channels, op.activation});
  }
  const ConvolutionNode node(compiler, id);
  return compile_int8_rows(compiler, node) || compile_alone(compiler, node);
}

}  // namespace zoo::engine
