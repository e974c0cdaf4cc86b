#include "nn/engine/plan/stored_bytes.h"

#include "nn/engine/kernels/bf16/bf16.h"
#include "nn/engine/kernels/f32/kernels.h"
#include "nn/engine/kernels/int8/int8.h"

namespace zoo::engine {

size_t stored_bytes(const Shape& shape, Format format, int64_t lanes) {
  const int64_t positions = shape.rank() == 4 ? shape[0] * shape[2] * shape[3] : shape[0];
  if (format == kChannelsLastU8) {
    return static_cast<size_t>(positions * kernels::int8_padded(shape[1]) + kernels::kInt8Slack);
  }
  if (format == kChannelsLastBf16) {
    return static_cast<size_t>(positions * kernels::channel_pitch(shape[1])) * sizeof(kernels::Bf16);
  }
  const int64_t elements =
      format == kBlockedF32 ? positions * kernels::block_count(shape[1], lanes) * lanes : shape.elements();
  return static_cast<size_t>(elements) * sizeof(float);
}

}  // namespace zoo::engine
