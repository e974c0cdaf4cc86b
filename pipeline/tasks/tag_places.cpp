#include "pipeline/tasks/tag_places.h"

#include <algorithm>

namespace zoo::pipeline {
namespace {

/// Tags that may stand below each other in a box.
constexpr int kColumn = 8;

std::vector<cv::Point> wishes(const cv::Rect& box, const cv::Size& tag) {
  const int left = box.x;
  const int right = box.br().x - tag.width;
  const int above = box.y - tag.height;
  const int below = box.br().y;
  std::vector<cv::Point> corners = {{left, above},
                                    {left, box.y},
                                    {right, above},
                                    {right, box.y},
                                    {left, below - tag.height},
                                    {left, below},
                                    {right, below - tag.height},
                                    {right, below}};
  for (int i = 1; i <= kColumn; ++i) {
    corners.emplace_back(left, box.y + i * tag.height);
    corners.emplace_back(left, above - i * tag.height);
  }
  return corners;
}

}  // namespace

std::optional<cv::Point> TagPlaces::take(const cv::Rect& box, const cv::Size& tag) {
  const int last_x = std::max(0, image_.width - tag.width);
  const int last_y = std::max(0, image_.height - tag.height);
  for (const cv::Point& wish : wishes(box, tag)) {
    if (wish.y < 0 || wish.y > last_y) continue;
    const cv::Rect place({std::clamp(wish.x, 0, last_x), wish.y}, tag);
    if (!is_free(place)) continue;
    taken_.push_back(place);
    return place.tl();
  }
  return std::nullopt;
}

bool TagPlaces::is_free(const cv::Rect& place) const {
  return std::ranges::none_of(taken_, [&](const cv::Rect& other) { return !(place & other).empty(); });
}

}  // namespace zoo::pipeline
