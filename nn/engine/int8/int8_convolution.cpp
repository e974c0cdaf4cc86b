// Convolutions of int8 networks: from node to problem, candidates, step.
#include <algorithm>
#include <array>
#include <span>
#include <utility>
#include <variant>

#include "nn/engine/int8/convolution_list.h"
#include "nn/engine/int8/int8_steps.h"
#include "nn/engine/lower/convolution_groups.h"
#include "nn/engine/plan/row_chain.h"

namespace zoo::engine {
namespace {

/// Whether a convolution multiplies one position only: a fully connected layer.
bool is_layer(const NetworkFacts& network, graph::NodeId id, const graph::Conv2d& op) {
  const std::vector<graph::NodeId>& inputs = network.node(id).inputs;
  const bool explicit_padding = op.padding == graph::PaddingMode::kExplicit && op.pad != graph::Size2d{0, 0};
  return op.kernel == graph::Size2d{1, 1} && op.groups == 1 && !explicit_padding && inputs.size() == 1 &&
         NetworkFacts::area(network.shape(inputs[0])) == 1;
}

bool computes(const NetworkFacts& network, graph::NodeId id) {
  const auto* conv = std::get_if<graph::Conv2d>(&network.node(id).op);
  return conv != nullptr && !is_layer(network, id, *conv);
}

/// Whether a node reads its input as u8.
bool reads_int8(const NetworkFacts& network, graph::NodeId reader) {
  const graph::Op& op = network.node(reader).op;
  if (const auto* conv = std::get_if<graph::Conv2d>(&op)) return int8_sums_fit(*conv) && computes(network, reader);
  const bool is_map_op = std::visit([]<typename Typed>(const Typed&) { return kReadsInt8Maps<Typed>; }, op);
  return is_map_op && NetworkFacts::area(network.shape(network.node(reader).inputs[0])) > 1;
}

/// Whether what a node yields is read as u8.
bool wants_int8(const NetworkFacts& network, graph::NodeId id) {
  return std::ranges::any_of(network.readers(id), [&](graph::NodeId reader) { return reads_int8(network, reader); });
}

ConvolutionProblem int8_problem(const NetworkFacts& network, const ConvolutionNode& node) {
  ConvolutionProblem problem = node.problem();
  problem.src_format = network.reads_image(node.id()) ? kPlanarF32 : kChannelsLastU8;
  problem.dst_format = wants_int8(network, node.id()) ? kChannelsLastU8 : kBlockedF32;
  problem.quantization.src = network.quantization(node.source());
  if (problem.dst_format == kChannelsLastU8) problem.quantization.dst = network.quantization(node.id());
  if (problem.has_residual) problem.quantization.residual = network.quantization(node.residual());
  return problem;
}

constexpr ConvolutionFormat kFormat = {computes, int8_problem, int8_convolution_kernels};

bool may_be_rows(const NetworkFacts& network, const ConvolutionNode& node, const ConvolutionNode& reader) {
  return node.op().groups == 1 && reader.op().groups == 1 && reader.residual() == graph::kNone &&
         wants_int8(network, reader.id());
}

/// Maps (bytes of an image) and weights of what usually pays to be computed some rows at a time, each time with all its
/// weights (Sapphire Rapids), and how far from there it is still measured.
constexpr int64_t kLeastRowBytes = 64 * 1024;
constexpr int64_t kMostRowWeights = 128 * 1024;
constexpr int64_t kMeasuredFactor = 4;

Prospect prospect_of_rows(std::span<const ConvolutionProblem> members) {
  const auto are_within = [&](int64_t factor) {
    const auto is_light = [&](const ConvolutionProblem& p) { return p.weight_count() <= factor * kMostRowWeights; };
    const auto is_large = [&](const ConvolutionProblem& p) {
      return factor * NetworkFacts::area(p.dst) * kernels::int8_padded(p.dst[1]) >= kLeastRowBytes;
    };
    return std::ranges::all_of(members, is_light) && std::ranges::all_of(members.first(members.size() - 1), is_large);
  };
  if (are_within(1)) return Prospect::kGood;
  return are_within(kMeasuredFactor) ? Prospect::kPoor : Prospect::kNone;
}

}  // namespace

bool compile_int8_convolution(const LoweringContext& context, graph::NodeId id, const graph::Conv2d& op) {
  if (is_layer(context.network, id, op)) {
    return compile_int8_layer(context, id, {op.weight, op.bias, op.in_channels, op.out_channels, op.activation});
  }
  const ConvolutionNode node(context.network, id);
  return compile_convolutions(context, kFormat, {&node, 1}, int8_problem(context.network, node));
}

std::span<const GroupKind* const> int8_groups() {
  static const ConvolutionGroups rows(
      kFormat, {.most_members = RowChain::kMaxStages, .may_join = may_be_rows, .prospect = prospect_of_rows});
  static const std::array<const GroupKind*, 1> all = {&rows};
  return all;
}

}  // namespace zoo::engine
