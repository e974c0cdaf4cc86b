#include "heads/anchors.h"

#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"

namespace zoo::heads {
namespace {

// The trainer's AnchorDecoupledHead has this size built in (its source: "Temporarily use hard-coded img_size").
constexpr int64_t kTrainerImageSize = 512;

void add_grid(const std::vector<Box>& cell, graph::Size2d map, std::vector<Box>& anchors) {
  if (map.h < 1 || map.w < 1 || map.h > kTrainerImageSize || map.w > kTrainerImageSize) {
    throw Error(fmt::format("a map of {}x{} has no anchors: they are laid out for maps of 1 to {}", map.h, map.w,
                            kTrainerImageSize));
  }
  const graph::Size2d step{kTrainerImageSize / map.h, kTrainerImageSize / map.w};
  for (int64_t row = 0; row < map.h; ++row) {
    for (int64_t column = 0; column < map.w; ++column) {
      const auto x = static_cast<float>(column * step.w);
      const auto y = static_cast<float>(row * step.h);
      for (const Box& box : cell) anchors.push_back({x + box.x0, y + box.y0, x + box.x1, y + box.y1});
    }
  }
}

}  // namespace

std::vector<Box> cell_anchors(std::span<const double> sizes, std::span<const double> aspect_ratios) {
  std::vector<Box> boxes;
  boxes.reserve(aspect_ratios.size() * sizes.size());
  for (const double ratio : aspect_ratios) {
    const float height_ratio = std::sqrt(static_cast<float>(ratio));
    const float width_ratio = 1.0F / height_ratio;
    for (const double size : sizes) {
      const float x = std::nearbyint(width_ratio * static_cast<float>(size) / 2.0F);
      const float y = std::nearbyint(height_ratio * static_cast<float>(size) / 2.0F);
      boxes.push_back({-x, -y, x, y});
    }
  }
  return boxes;
}

AnchorFunction netspresso_anchors(const std::vector<std::vector<double>>& sizes,
                                  std::span<const double> aspect_ratios) {
  std::vector<std::vector<Box>> cells;
  cells.reserve(sizes.size());
  for (const auto& of_level : sizes) cells.push_back(cell_anchors(of_level, aspect_ratios));
  return [cells = std::move(cells)](std::span<const graph::Size2d> maps, graph::Size2d) {
    if (maps.size() != cells.size()) {
      throw Error(fmt::format("anchors of {} levels, but there are {} maps", cells.size(), maps.size()));
    }
    std::vector<Box> anchors;
    for (size_t level = 0; level < maps.size(); ++level) add_grid(cells[level], maps[level], anchors);
    return anchors;
  };
}

}  // namespace zoo::heads
