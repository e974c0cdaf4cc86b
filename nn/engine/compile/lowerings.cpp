#include "nn/engine/compile/lowerings.h"

#include <array>

#include "nn/engine/bf16/bf16_steps.h"
#include "nn/engine/f32/f32_steps.h"
#include "nn/engine/int8/int8_steps.h"

namespace zoo::engine {

NetworkLowering lowering_of(Precision precision) {
  static constexpr std::array<Lowering, 1> kF32 = {compile_f32};
  static constexpr std::array<Lowering, 2> kBf16 = {compile_bf16, compile_f32};
  static constexpr std::array<Lowering, 2> kInt8 = {compile_int8, compile_f32};
  if (precision == Precision::kBf16) return {kBf16, bf16_groups()};
  if (precision == Precision::kInt8) return {kInt8, int8_groups()};
  return {kF32, f32_groups()};
}

}  // namespace zoo::engine
