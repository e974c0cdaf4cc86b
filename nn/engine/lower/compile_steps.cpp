#include "nn/engine/lower/compile_steps.h"

#include <algorithm>

#include <fmt/format.h>

#include "nn/core/error.h"

namespace zoo::engine {
namespace {

class StepCompiler {
 public:
  StepCompiler(const graph::BoundGraph& network, const Shape& input, const CompileOptions& options,
               const NetworkLowering& lowering)
      : lowering_(lowering),
        network_(network, input, options),
        chooser_(options.kernels, network_.table()),
        plan_(network_, chooser_, lowering.groups),
        values_(network_, steps_) {}

  CompiledSteps compile() {
    const graph::Graph& graph = network_.graph();
    for (graph::NodeId id = 1; id < static_cast<graph::NodeId>(graph.nodes.size()); ++id) {
      if (!plan_.is_inner(id)) compile_with_info(id);
    }
    CompiledSteps compiled;
    for (const graph::Output& output : graph.outputs) compiled.outputs.push_back(values_.output(output));
    chooser_.finish();
    compiled.note = chooser_.note();
    compiled.input = values_.of(0);
    compiled.values = values_.take();
    compiled.packed = packing_.take();
    compiled.steps = std::move(steps_);
    return compiled;
  }

 private:
  /// Steps of a node, or of the group whose value it yields.
  void compile_with_info(graph::NodeId id) {
    const size_t first_step = steps_.size();
    const size_t first_packed = packing_.size();
    const FusionGroup* group = plan_.group_yielding(id);
    if (group != nullptr) {
      group->kind->lower(context(), group->members);
    } else {
      compile_node(id);
    }
    // Extra steps of a node (re-layouts, unfused activations) carry no arithmetic of their own.
    StepInfo* main_step = nullptr;
    for (size_t s = first_step; s < steps_.size(); ++s) {
      StepInfo& info = steps_[s]->info;
      if (info.node.empty()) info.node = network_.node(id).name;
      if (!info.op.empty()) continue;
      info.op = graph::op_name(network_.node(id).op);
      if (main_step == nullptr) main_step = &info;
    }
    if (main_step == nullptr) return;
    main_step->macs = 0;
    for (const graph::NodeId member : plan_.members(id)) main_step->macs += network_.macs(member);
    main_step->weight_bytes = packing_.bytes_from(first_packed);
  }

  void compile_node(graph::NodeId id) {
    if (std::ranges::any_of(lowering_.nodes, [&](Lowering lower) { return lower(context(), id); })) return;
    const graph::Node& node = network_.node(id);
    throw EngineError(fmt::format("node \"{}\" ({}): no kernel computes it", node.name, graph::op_name(node.op)));
  }

  LoweringContext context() { return {network_, values_, packing_, steps_, chooser_}; }

  const NetworkLowering& lowering_;
  NetworkFacts network_;
  KernelChooser chooser_;
  FusionPlan plan_;
  Steps steps_;
  NetworkValues values_;
  Packing packing_;
};

}  // namespace

CompiledSteps compile_steps(const graph::BoundGraph& network, const Shape& input, const CompileOptions& options,
                            const NetworkLowering& lowering) {
  return StepCompiler(network, input, options, lowering).compile();
}

}  // namespace zoo::engine
