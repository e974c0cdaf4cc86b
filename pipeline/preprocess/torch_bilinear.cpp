#include "pipeline/preprocess/torch_bilinear.h"

#include <algorithm>
#include <cmath>

namespace zoo::pipeline {
namespace {

// torch computes places in float, with one rounding where the processor can; in double, weights of large pictures would
// differ by 1e-4.
std::vector<BilinearTap> make_taps(int src, int dst, int first, int count) {
  const float scale = static_cast<float>(src) / static_cast<float>(dst);
  std::vector<BilinearTap> taps;
  taps.reserve(static_cast<size_t>(count));
  for (int i = first; i < first + count; ++i) {
    const float place = std::max(std::fma(scale, static_cast<float>(i) + 0.5F, -0.5F), 0.0F);
    const int at = std::min(static_cast<int>(place), src - 1);
    const float weight = std::clamp(place - static_cast<float>(at), 0.0F, 1.0F);
    taps.push_back({at, std::min(at + 1, src - 1), src == dst ? 0.0F : weight});
  }
  return taps;
}

}  // namespace

void TorchBilinear::prepare(cv::Size src, cv::Size size, const cv::Rect& window) {
  if (src == src_ && size == size_ && window == window_) return;
  src_ = src;
  size_ = size;
  window_ = window;
  x_ = make_taps(src.width, size.width, window.x, window.width);
  y_ = make_taps(src.height, size.height, window.y, window.height);
}

void TorchBilinear::run(const cv::Mat& src, int channel, const std::array<float, 256>& values, float* dst,
                        size_t stride) const {
  const int step = src.channels();
  for (const BilinearTap& y : y_) {
    const uint8_t* upper = src.ptr(y.first) + channel;
    const uint8_t* lower = src.ptr(y.second) + channel;
    const float keep_y = 1.0F - y.weight;
    float* out = dst;
    for (const BilinearTap& x : x_) {
      const float keep_x = 1.0F - x.weight;
      const float above = keep_x * values[upper[x.first * step]] + x.weight * values[upper[x.second * step]];
      const float below = keep_x * values[lower[x.first * step]] + x.weight * values[lower[x.second * step]];
      *out++ = keep_y * above + y.weight * below;
    }
    dst += stride;
  }
}

}  // namespace zoo::pipeline
