#include "nn/engine/kernels/f32/stem.h"

namespace zoo::engine::kernels {

int64_t stem_tile(int64_t out_channels, int64_t lanes) {
  const bool wide = lanes == 16;
  if (block_count(out_channels, lanes) % 2 == 0) return wide ? 8 : 4;
  return wide ? 14 : 8;
}

}  // namespace zoo::engine::kernels
