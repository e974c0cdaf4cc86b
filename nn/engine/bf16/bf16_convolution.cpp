// Convolutions of bf16 networks: from node to problem, candidates, step.
#include <algorithm>
#include <array>
#include <span>
#include <utility>
#include <variant>

#include "nn/engine/bf16/bf16_steps.h"
#include "nn/engine/bf16/convolution_list.h"
#include "nn/engine/bf16/tile_source.h"
#include "nn/engine/lower/convolution_groups.h"

namespace zoo::engine {
namespace {

/// Whether a convolution multiplies one position only: a fully connected layer.
bool is_layer(const NetworkFacts& network, graph::NodeId id) {
  const auto& op = std::get<graph::Conv2d>(network.node(id).op);
  const std::vector<graph::NodeId>& inputs = network.node(id).inputs;
  return op.groups == 1 && op.kernel == graph::Size2d{1, 1} && inputs.size() == 1 &&
         NetworkFacts::area(network.shape(inputs[0])) == 1 && NetworkFacts::area(network.shape(id)) == 1;
}

bool computes(const NetworkFacts& network, graph::NodeId id) {
  return std::holds_alternative<graph::Conv2d>(network.node(id).op) && !is_layer(network, id);
}

ConvolutionProblem bf16_problem(const NetworkFacts& network, const ConvolutionNode& node) {
  ConvolutionProblem problem = node.problem();
  problem.dst_format = kChannelsLastBf16;
  problem.src_format = kPlanarF32;
  // Images come row-major; the first convolution can read them as they are.
  if (!network.reads_image(node.id()) || !is_bf16_dense(problem)) problem.src_format = kChannelsLastBf16;
  return problem;
}

constexpr ConvolutionFormat kFormat = {computes, bf16_problem, bf16_convolution_kernels, true};

/// The residual and the activation as a step of their own.
bool compile_unfused(const LoweringContext& context, const ConvolutionNode& node, ConvolutionProblem problem) {
  const kernels::ResolvedActivation activation = std::exchange(problem.activation, {});
  const bool has_residual = std::exchange(problem.has_residual, false);
  if (!compile_convolutions(context, kFormat, {&node, 1}, problem)) return false;
  const ValueId residual = has_residual ? context.values.in(node.residual(), kChannelsLastBf16) : -1;
  compile_bf16_map(context, node.id(), context.values.of(node.id()), residual, activation);
  return true;
}

/// Of one image.
int64_t map_bytes(const Shape& map) {
  return NetworkFacts::area(map) * kernels::padded_channels(map[1]) * static_cast<int64_t>(sizeof(kernels::Bf16));
}

/// Maps and weights of what usually pays to be computed some rows at a time, each time with all its weights (Sapphire
/// Rapids), and how far from there it is still measured.
constexpr int64_t kLeastRowBytes = 128 * 1024;
constexpr int64_t kMostRowWeights = 64 * 1024;
constexpr int64_t kMeasuredFactor = 4;

bool may_be_rows(const NetworkFacts& /*network*/, const ConvolutionNode& node, const ConvolutionNode& reader) {
  return node.op().groups == 1 && reader.op().groups == 1 && reader.residual() == graph::kNone;
}

Prospect prospect_of_rows(std::span<const ConvolutionProblem> members) {
  const auto are_within = [&](int64_t factor) {
    const auto is_light = [&](const ConvolutionProblem& p) { return p.weight_count() <= factor * kMostRowWeights; };
    const auto is_large = [&](const ConvolutionProblem& p) { return factor * map_bytes(p.dst) >= kLeastRowBytes; };
    return std::ranges::all_of(members, is_light) && std::ranges::all_of(members.first(members.size() - 1), is_large);
  };
  if (are_within(1)) return Prospect::kGood;
  return are_within(kMeasuredFactor) ? Prospect::kPoor : Prospect::kNone;
}

bool may_expand(const NetworkFacts& /*network*/, const ConvolutionNode& /*node*/, const ConvolutionNode& reader) {
  return reader.op().groups > 1;
}

/// It usually pays to keep a map in the cache from this size on, and not for the smallest maps (Sapphire Rapids).
Prospect prospect_of_expansion(std::span<const ConvolutionProblem> members) {
  constexpr int64_t kLeastBytes = 224 * 1024;
  constexpr int64_t kLeastArea = 100;
  const Shape& map = members.front().dst;
  return NetworkFacts::area(map) >= kLeastArea && map_bytes(map) >= kLeastBytes ? Prospect::kGood : Prospect::kPoor;
}

}  // namespace

bool compile_bf16_convolution(const LoweringContext& context, graph::NodeId id, const graph::Conv2d& op) {
  if (is_layer(context.network, id)) {
    compile_bf16_layer(context, id, {op.weight, op.bias, op.in_channels, op.out_channels, op.activation});
    return true;
  }
  const ConvolutionNode node(context.network, id);
  const ConvolutionProblem problem = bf16_problem(context.network, node);
  return compile_convolutions(context, kFormat, {&node, 1}, problem) || compile_unfused(context, node, problem);
}

std::span<const GroupKind* const> bf16_groups() {
  static const ConvolutionGroups rows(
      kFormat, {.most_members = RowChain::kMaxStages, .may_join = may_be_rows, .prospect = prospect_of_rows});
  static const ConvolutionGroups expansions(kFormat, {.may_join = may_expand, .prospect = prospect_of_expansion});
  static const std::array<const GroupKind*, 2> all = {&rows, &expansions};
  return all;
}

}  // namespace zoo::engine
