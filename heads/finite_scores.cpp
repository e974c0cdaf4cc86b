#include "heads/finite_scores.h"

#include <bit>
#include <cstdint>

#include "nn/core/error.h"

namespace zoo::heads {

void check_finite_scores(std::span<const float> scores) {
  constexpr uint32_t kExponent = 0x7F800000U;
  uint32_t bad = 0;
  for (const float score : scores) bad |= (std::bit_cast<uint32_t>(score) & kExponent) == kExponent ? 1U : 0U;
  if (bad != 0)
    throw EngineError(
        "the network's class scores are not finite numbers; do the weights (`backbone-zoo validate`) and the "
        "preprocessing belong to it?");
}

}  // namespace zoo::heads
