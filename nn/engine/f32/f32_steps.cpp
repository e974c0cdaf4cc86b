#include "nn/engine/f32/f32_steps.h"

#include <variant>

#include <fmt/format.h>

#include "nn/core/error.h"

namespace zoo::engine {
namespace {

[[noreturn]] void refuse(const NetworkFacts& network, graph::NodeId id) {
  throw EngineError(fmt::format("node \"{}\" ({}): not expected in an optimised network", network.node(id).name,
                                graph::op_name(network.node(id).op)));
}

}  // namespace

void compile_op(const LoweringContext& context, graph::NodeId id, const graph::Input&) { refuse(context.network, id); }
void compile_op(const LoweringContext& context, graph::NodeId id, const graph::BatchNorm&) {
  refuse(context.network, id);
}
void compile_op(const LoweringContext& context, graph::NodeId id, const graph::ScaleChannels&) {
  refuse(context.network, id);
}
void compile_op(const LoweringContext& context, graph::NodeId id, const graph::BlurPool2d&) {
  refuse(context.network, id);
}

bool compile_f32(const LoweringContext& context, graph::NodeId id) {
  std::visit([&](const auto& op) { compile_op(context, id, op); }, context.network.node(id).op);
  return true;
}

}  // namespace zoo::engine
