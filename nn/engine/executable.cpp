#include "nn/engine/executable.h"

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

std::string_view to_string(Precision precision) {
  switch (precision) {
    case Precision::kF32:
      return "f32";
    case Precision::kBf16:
      return "bf16";
    case Precision::kInt8:
      return "int8";
    case Precision::kAuto:
      return "auto";
  }
  return "unknown";
}

std::optional<Precision> precision_from(std::string_view name) {
  for (const Precision precision : {Precision::kF32, Precision::kBf16, Precision::kInt8, Precision::kAuto}) {
    if (name == to_string(precision)) return precision;
  }
  if (name == "fp32") return Precision::kF32;
  return std::nullopt;
}

}  // namespace zoo::engine
