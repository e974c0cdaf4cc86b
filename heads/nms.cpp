#include "heads/nms.h"

#include <algorithm>
#include <unordered_map>

namespace zoo::heads {
namespace {

float area_of(const Box& box) { return (box.x1 - box.x0) * (box.y1 - box.y0); }

}  // namespace

float overlap_of(const Box& a, const Box& b) {
  const float width = std::max(0.0F, std::min(a.x1, b.x1) - std::max(a.x0, b.x0));
  const float height = std::max(0.0F, std::min(a.y1, b.y1) - std::max(a.y0, b.y0));
  const float common = width * height;
  return common / (area_of(a) + area_of(b) - common);
}

std::vector<size_t> suppress(std::span<const Detection> detections, const SuppressionOptions& options) {
  std::vector<size_t> kept;
  std::unordered_map<int64_t, std::vector<Box>> kept_boxes;  // per label
  for (size_t i = 0; i < detections.size(); ++i) {
    const Box& box = detections[i].box;
    std::vector<Box>& better = kept_boxes[options.class_agnostic ? 0 : detections[i].label];
    const bool covered =
        std::ranges::any_of(better, [&](const Box& other) { return overlap_of(other, box) > options.threshold; });
    if (covered) continue;
    better.push_back(box);
    kept.push_back(i);
    if (options.limit > 0 && static_cast<int64_t>(kept.size()) == options.limit) break;
  }
  return kept;
}

}  // namespace zoo::heads
