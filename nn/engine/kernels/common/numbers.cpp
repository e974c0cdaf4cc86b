#include "nn/engine/kernels/common/numbers.h"

#include <bit>

namespace zoo::engine::kernels {

Bf16 round_to_bf16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if (value != value) return static_cast<Bf16>(bits >> 16 | 0x40U);
  return static_cast<Bf16>((bits + 0x7FFFU + (bits >> 16 & 1U)) >> 16);
}

}  // namespace zoo::engine::kernels
