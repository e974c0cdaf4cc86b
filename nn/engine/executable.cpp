#include "nn/engine/executable.h"

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/engine/batch_executable.h"
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

std::string_view to_string(Precision precision) { return precision == Precision::kBf16 ? "bf16" : "f32"; }

std::optional<Precision> precision_from(std::string_view name) {
  for (const Precision precision : {Precision::kF32, Precision::kBf16}) {
    if (name == to_string(precision)) return precision;
  }
  return std::nullopt;
}

std::string_view why_unavailable(Precision precision) {
  if (precision == Precision::kF32 || engine_has_amx_bf16()) return {};
  return "this machine has no AMX tiles (or may not use them), without which bf16 would be slower than f32";
}

std::shared_ptr<const Executable> Executable::compile(const graph::BoundGraph& network, const Shape& input,
                                                      const CompileOptions& options) {
  graph::BoundGraph wanted = network;
  if (!options.outputs.empty()) wanted.graph = graph::select_outputs(network.graph, options.outputs);
  if (options.engine == EngineKind::kReference) return compile_reference(wanted, input);
  if (options.precision && !why_unavailable(*options.precision).empty()) {
    throw EngineError(
        fmt::format("precision {}: {}", to_string(*options.precision), why_unavailable(*options.precision)));
  }
  const InstructionSet isa = options.kernels.isa;
  if (options.precision == Precision::kBf16 && isa != InstructionSet::kAuto && isa != InstructionSet::kAvx512) {
    throw EngineError(fmt::format("precision bf16: its kernels need AVX-512 and AMX, not {}", to_string(isa)));
  }
  const graph::BoundGraph optimised = graph::optimise(wanted);
  const int64_t images = input.rank() == 0 ? 0 : input[0];
  if (options.threads == 1 || images < options.threads) return compile_onednn(optimised, input, options);
  CompileOptions single = options;
  single.threads = 1;
  Shape part = input;
  part[0] = split_batch(images, options.threads).part_images;
  return spread_batch(compile_onednn(optimised, part, single), images, options.threads);
}

}  // namespace zoo::engine
