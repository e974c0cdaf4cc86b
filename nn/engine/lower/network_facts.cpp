#include "nn/engine/lower/network_facts.h"

#include <algorithm>
#include <variant>

#include "nn/engine/instruction_set.h"

namespace zoo::engine {
namespace {

std::vector<int64_t> all_macs(const graph::Graph& graph, const std::vector<Shape>& shapes) {
  std::vector<int64_t> macs = graph::multiply_accumulates(graph, shapes);
  const std::vector<int64_t> attention = graph::attention_multiply_accumulates(graph, shapes);
  for (size_t id = 0; id < macs.size(); ++id) macs[id] += attention[id];
  return macs;
}

std::vector<std::vector<graph::NodeId>> all_readers(const graph::Graph& graph) {
  std::vector<std::vector<graph::NodeId>> readers(graph.nodes.size());
  for (size_t i = 0; i < readers.size(); ++i) {
    for (const graph::NodeId source : graph.nodes[i].inputs) {
      readers[static_cast<size_t>(source)].push_back(static_cast<graph::NodeId>(i));
    }
  }
  return readers;
}

}  // namespace

NetworkFacts::NetworkFacts(const graph::BoundGraph& network, const Shape& input, const CompileOptions& options)
    : network_(network),
      shapes_(graph::infer_shapes(network.graph, input)),
      macs_(all_macs(network.graph, shapes_)),
      readers_(all_readers(network.graph)),
      tuned_threads_(options.tuned_threads),
      compact_layers_(options.kernels.compact_layers),
      capabilities_(capabilities_for(options.kernels.isa)),
      table_(kernels::kernel_table(capabilities_.isa)) {
  if (options.precision != Precision::kInt8) return;
  int8_table_ = &kernels::int8_table(capabilities_.int8().value());
  quantization_.emplace(network.graph, shapes_, *options.calibration);
}

graph::NodeId NetworkFacts::sole_reader(graph::NodeId id) const {
  return readers(id).size() == 1 && !is_output(id) ? readers(id).front() : graph::kNone;
}

bool NetworkFacts::is_output(graph::NodeId id) const {
  return std::ranges::any_of(network_.graph.outputs, [id](const graph::Output& output) { return output.node == id; });
}

bool NetworkFacts::is_squeezed(graph::NodeId id) const {
  return std::ranges::any_of(readers(id), [&](graph::NodeId reader) {
    return std::holds_alternative<graph::SqueezeExcite>(node(reader).op) && node(reader).inputs.front() == id;
  });
}

std::span<const float> NetworkFacts::parameter(ParameterId id) const {
  if (id == graph::kNone) return {};
  return network_.values.views[static_cast<size_t>(id)];
}

kernels::ResolvedActivation NetworkFacts::resolve(const graph::FusedActivation& function) const {
  if (function.kind == ActivationKind::kLeakyRelu) return {function.kind, kLeakyReluSlope};
  if (function.kind == ActivationKind::kPrelu) return {function.kind, parameter(function.slope)[0]};
  return {function.kind, 0.0F};
}

}  // namespace zoo::engine
