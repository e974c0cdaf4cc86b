// How much memory a value takes. Internal to nn/engine.
#pragma once

#include <cstddef>
#include <cstdint>

#include "nn/engine/plan/step.h"

namespace zoo::engine {

/// Of a map [N, C, H, W] or a vector [N, C], with the tail of its last block and what kernels may read beyond its end.
/// `lanes`: channels of a block.
size_t stored_bytes(const Shape& shape, Format format, int64_t lanes);

}  // namespace zoo::engine
