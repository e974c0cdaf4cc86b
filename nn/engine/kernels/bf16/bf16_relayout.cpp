#include "nn/engine/kernels/bf16/bf16.h"
#include "nn/engine/kernels/bf16/bf16_vec.h"

namespace zoo::engine::kernels {

void blocked_to_bf16(const float* blocked, Bf16* dst, int64_t channels, int64_t area, int64_t begin, int64_t end) {
  const int64_t row = channel_pitch(channels);
  const int64_t blocks = (channels + kChannelStep - 1) / kChannelStep;
  const int64_t padded_blocks = padded_channels(channels) / kChannelStep;
  for (int64_t image = begin; image < end; ++image) {
    const float* src = blocked + image * blocks * area * kChannelStep;
    for (int64_t p = 0; p < area; ++p) {
      Bf16* to = dst + (image * area + p) * row;
      for (int64_t block = 0; block < padded_blocks; ++block) {
        const __m512 v =
            block < blocks ? _mm512_loadu_ps(src + (block * area + p) * kChannelStep) : _mm512_setzero_ps();
        store_bf16(to + block * kChannelStep, v);
      }
    }
  }
}

void bf16_to_blocked(const Bf16* src, float* blocked, int64_t channels, int64_t area, int64_t begin, int64_t end) {
  const int64_t row = channel_pitch(channels);
  const int64_t blocks = (channels + kChannelStep - 1) / kChannelStep;
  for (int64_t item = begin * blocks; item < end * blocks; ++item) {
    const Bf16* from = src + item / blocks * area * row + item % blocks * kChannelStep;
    float* to = blocked + item * area * kChannelStep;
    for (int64_t p = 0; p < area; ++p) _mm512_storeu_ps(to + p * kChannelStep, load_bf16(from + p * row));
  }
}

}  // namespace zoo::engine::kernels
