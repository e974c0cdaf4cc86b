#include "heads/default_boxes.h"

#include <algorithm>
#include <cmath>

namespace zoo::heads {
namespace {

struct Extent {
  float w;
  float h;
};

// torchvision computes extents in double and stores them as float32.
std::vector<Extent> extents_of(const DefaultBoxOptions& options, size_t level) {
  const double scale = options.scales[level];
  const double larger = std::sqrt(scale * options.scales[level + 1]);
  std::vector<Extent> extents = {{static_cast<float>(scale), static_cast<float>(scale)},
                                 {static_cast<float>(larger), static_cast<float>(larger)}};
  for (const double ratio : options.aspect_ratios[level]) {
    const double root = std::sqrt(ratio);
    const auto longer = static_cast<float>(scale * root);
    const auto shorter = static_cast<float>(scale / root);
    extents.push_back({longer, shorter});
    extents.push_back({shorter, longer});
  }
  if (options.clip) {
    for (Extent& extent : extents) extent = {std::clamp(extent.w, 0.0F, 1.0F), std::clamp(extent.h, 0.0F, 1.0F)};
  }
  return extents;
}

// Centres along one axis, as shares of the input.
std::vector<float> centres(int64_t count, float positions) {
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) values[i] = (static_cast<float>(i) + 0.5F) / positions;
  return values;
}

}  // namespace

std::vector<double> even_scales(size_t levels, double min_ratio, double max_ratio) {
  if (levels == 1) return {min_ratio, max_ratio};
  std::vector<double> scales;
  for (size_t k = 0; k < levels; ++k) {
    scales.push_back(min_ratio +
                     (max_ratio - min_ratio) * static_cast<double>(k) / (static_cast<double>(levels) - 1.0));
  }
  scales.push_back(1.0);
  return scales;
}

std::vector<int64_t> boxes_per_position(const DefaultBoxOptions& options) {
  std::vector<int64_t> counts;
  for (const auto& ratios : options.aspect_ratios) counts.push_back(2 + 2 * static_cast<int64_t>(ratios.size()));
  return counts;
}

std::vector<Box> default_boxes(const DefaultBoxOptions& options, std::span<const graph::Size2d> maps,
                               graph::Size2d input) {
  std::vector<Box> boxes;
  const auto width = static_cast<float>(input.w);
  const auto height = static_cast<float>(input.h);
  for (size_t level = 0; level < maps.size(); ++level) {
    const graph::Size2d map = maps[level];
    const bool has_step = !options.steps.empty();
    const double step = has_step ? options.steps[level] : 1.0;
    const auto columns =
        static_cast<float>(has_step ? static_cast<double>(input.w) / step : static_cast<double>(map.w));
    const auto rows = static_cast<float>(has_step ? static_cast<double>(input.h) / step : static_cast<double>(map.h));
    const std::vector<float> xs = centres(map.w, columns);
    const std::vector<float> ys = centres(map.h, rows);
    const std::vector<Extent> extents = extents_of(options, level);
    for (const float y : ys) {
      for (const float x : xs) {
        for (const auto& [w, h] : extents) {
          boxes.push_back(
              {(x - 0.5F * w) * width, (y - 0.5F * h) * height, (x + 0.5F * w) * width, (y + 0.5F * h) * height});
        }
      }
    }
  }
  return boxes;
}

}  // namespace zoo::heads
