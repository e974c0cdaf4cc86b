#include "nn/engine/choice/kernel_taps.h"

namespace zoo::engine {

Taps reading_taps(int64_t kernel, int64_t stride, int64_t dilation, int64_t pad, int64_t src, int64_t dst) {
  const auto reads = [&](int64_t k) {
    for (int64_t y = 0; y < dst; ++y) {
      const int64_t at = y * stride + k * dilation - pad;
      if (at >= 0 && at < src) return true;
    }
    return false;
  };
  int64_t first = 0;
  int64_t last = kernel - 1;
  while (first < last && !reads(first)) ++first;
  while (last > first && !reads(last)) --last;
  const int64_t begin = pad - first * dilation;
  const int64_t end = (dst - 1) * stride + (last - first) * dilation + 1 - src - begin;
  return begin < 0 || end < 0 ? Taps{0, kernel} : Taps{first, last - first + 1};
}

std::vector<float> cropped(std::span<const float> weights, const graph::Size2d& kernel, const Taps& rows,
                           const Taps& columns) {
  std::vector<float> result;
  const auto area = static_cast<size_t>(kernel.h * kernel.w);
  for (size_t plane = 0; plane < weights.size(); plane += area) {
    for (int64_t y = rows.first; y < rows.first + rows.count; ++y) {
      const auto row = weights.subspan(plane + static_cast<size_t>(y * kernel.w + columns.first),
                                       static_cast<size_t>(columns.count));
      result.insert(result.end(), row.begin(), row.end());
    }
  }
  return result;
}

}  // namespace zoo::engine
