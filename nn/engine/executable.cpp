#include "nn/engine/executable.h"

#include "nn/engine/onednn_executable.h"
#include "nn/engine/reference.h"

namespace zoo::engine {

std::string_view to_string(EngineKind kind) { return kind == EngineKind::kOneDnn ? "onednn" : "reference"; }

std::string_view to_string(InstructionSet isa) {
  switch (isa) {
    case InstructionSet::kAuto:
      return "auto";
    case InstructionSet::kSse:
      return "sse";
    case InstructionSet::kAvx2:
      return "avx2";
    case InstructionSet::kAvx512:
      return "avx512";
  }
  return "unknown";
}

std::string_view to_string(Precision) { return "f32"; }

std::shared_ptr<const Executable> Executable::compile(const graph::BoundGraph& network, const Shape& input,
                                                      const CompileOptions& options) {
  graph::BoundGraph wanted = network;
  if (!options.outputs.empty()) wanted.graph = graph::select_outputs(network.graph, options.outputs);
  if (options.engine == EngineKind::kReference) return compile_reference(wanted, input);
  return compile_onednn(graph::optimise(wanted), input, options);
}

}  // namespace zoo::engine
