#include "nn/engine/lower/convolution_groups.h"

#include <algorithm>

#include <fmt/format.h>

#include "nn/core/error.h"

namespace zoo::engine {

std::vector<graph::NodeId> ConvolutionGroups::members(const NetworkFacts& network, KernelChooser& chooser,
                                                      graph::NodeId first) const {
  const std::vector<ConvolutionNode> nodes = possible_members(network, first);
  const std::vector<ConvolutionProblem> all = problems(network, nodes);
  for (size_t count = all.size(); count > 1; --count) {
    if (!is_better(network, chooser, std::span(all).first(count))) continue;
    std::vector<graph::NodeId> ids(count);
    std::ranges::transform(std::span(nodes).first(count), ids.begin(), &ConvolutionNode::id);
    return ids;
  }
  return {};
}

std::vector<ConvolutionNode> ConvolutionGroups::possible_members(const NetworkFacts& network,
                                                                 graph::NodeId first) const {
  std::vector<ConvolutionNode> nodes;
  if (format_.computes(network, first)) nodes.emplace_back(network, first);
  while (!nodes.empty() && nodes.size() < rules_.most_members) {
    const graph::NodeId reader = network.sole_reader(nodes.back().id());
    if (reader == graph::kNone || !format_.computes(network, reader)) break;
    const ConvolutionNode next(network, reader);
    // What is added to a result is no source.
    if (next.source() != nodes.back().id() || nodes.back().residual() != graph::kNone) break;
    if (!rules_.may_join(network, nodes.back(), next)) break;
    nodes.push_back(next);
  }
  return nodes;
}

std::vector<ConvolutionProblem> ConvolutionGroups::problems(const NetworkFacts& network,
                                                            std::span<const ConvolutionNode> members) const {
  std::vector<ConvolutionProblem> problems;
  if (members.size() < 2) return problems;
  for (const ConvolutionNode& member : members) {
    problems.push_back(format_.measured(format_.problem(network, member)));
  }
  return problems;
}

bool ConvolutionGroups::is_better(const NetworkFacts& network, KernelChooser& chooser,
                                  std::span<const ConvolutionProblem> members) const {
  const Prospect prospect = rules_.prospect(members);
  if (prospect == Prospect::kNone && !chooser.names_a_kernel()) return false;
  const ConvolutionProblem both = joined(members);
  const ConvolutionKernels fused = format_.list(both, network.table());
  if (fused.empty() || (prospect == Prospect::kNone && !chooser.wants(fused))) return false;
  std::vector<ConvolutionKernels> kernels;
  for (const ConvolutionProblem& member : members) kernels.push_back(format_.list(member, network.table()));
  std::vector<Candidates> apart;
  for (size_t i = 0; i < members.size(); ++i) apart.push_back({members[i], kernels[i], format_.list});
  return chooser.prefers({both, fused, format_.list}, apart, prospect);
}

void ConvolutionGroups::lower(const LoweringContext& context, std::span<const graph::NodeId> members) const {
  std::vector<ConvolutionNode> nodes;
  std::vector<ConvolutionProblem> problems;
  for (const graph::NodeId id : members) {
    nodes.emplace_back(context.network, id);
    problems.push_back(format_.problem(context.network, nodes.back()));
  }
  if (compile_convolutions(context, format_, nodes, joined(problems))) return;
  throw EngineError(fmt::format("node \"{}\": no kernel computes it with the convolutions before it",
                                context.network.node(members.back()).name));
}

}  // namespace zoo::engine
