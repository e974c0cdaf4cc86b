#include "nn/engine/f32/f32_steps.h"

#include <variant>

#include <fmt/format.h>

#include "nn/core/error.h"

namespace zoo::engine {
namespace {

[[noreturn]] void refuse(const StepCompiler& compiler, graph::NodeId id) {
  throw EngineError(fmt::format("node \"{}\" ({}): not expected in an optimised network", compiler.node(id).name,
                                graph::op_name(compiler.node(id).op)));
}

}  // namespace

void compile_op(StepCompiler& compiler, graph::NodeId id, const graph::Input&) { refuse(compiler, id); }
void compile_op(StepCompiler& compiler, graph::NodeId id, const graph::BatchNorm&) { refuse(compiler, id); }
void compile_op(StepCompiler& compiler, graph::NodeId id, const graph::ScaleChannels&) { refuse(compiler, id); }
void compile_op(StepCompiler& compiler, graph::NodeId id, const graph::BlurPool2d&) { refuse(compiler, id); }

bool compile_f32(StepCompiler& compiler, graph::NodeId id) {
  std::visit([&](const auto& op) { compile_op(compiler, id, op); }, compiler.node(id).op);
  return true;
}

}  // namespace zoo::engine
