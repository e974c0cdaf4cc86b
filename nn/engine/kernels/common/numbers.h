// What the kernels of all formats share: activations, bf16, blocks of channels.
#pragma once

#include <cstdint>

#include "nn/core/activation.h"

namespace zoo::engine::kernels {

/// An activation with its slope resolved (kPrelu, kLeakyRelu).
struct ResolvedActivation {
  ActivationKind kind = ActivationKind::kIdentity;
  float slope = 0.0F;
};

/// The upper half of a float.
using Bf16 = uint16_t;
/// To nearest even, as VCVTNEPS2BF16 does. NaN stays NaN.
Bf16 round_to_bf16(float value);

/// Blocks of `lanes` that `channels` need.
constexpr int64_t block_count(int64_t channels, int64_t lanes) { return (channels + lanes - 1) / lanes; }

}  // namespace zoo::engine::kernels
