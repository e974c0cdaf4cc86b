// How u8 values lie in memory. Internal to nn/engine.
#pragma once

#include <cstdint>

#include "nn/core/shape.h"
#include "nn/engine/kernels/int8/int8.h"

namespace zoo::engine {

/// Whole cache lines.
constexpr int64_t whole_lines(int64_t bytes) { return (bytes + 63) / 64 * 64; }

/// Where Value::has_sums has the sums of a map, in bytes from its start.
inline int64_t int8_sums_offset(const Shape& map) {
  const int64_t area = map.rank() == 4 ? map[2] * map[3] : 1;
  return whole_lines(map[0] * area * kernels::int8_padded(map[1]));
}

}  // namespace zoo::engine
