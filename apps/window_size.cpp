#include "apps/window_size.h"

#include <algorithm>
#include <cmath>

namespace zoo::apps {

cv::Size window_size(const cv::Size& image, const cv::Size& screen) {
  constexpr double kPartOfScreen = 0.9;  // title bar and panels need the rest
  constexpr int kSmallSide = 160;
  const cv::Size usual(1280, 720);
  const cv::Size room = screen.area() > 0 ? screen : usual;
  const int side = std::min(image.width, image.height);
  const double larger = side < kSmallSide ? std::ceil(static_cast<double>(kSmallSide) / side) : 1.0;
  const double fitting = kPartOfScreen * std::min(static_cast<double>(room.width) / image.width,
                                                  static_cast<double>(room.height) / image.height);
  const double scale = std::min(larger, fitting);
  const auto scaled = [&](int length) { return std::max(1, static_cast<int>(std::lround(length * scale))); };
  return {scaled(image.width), scaled(image.height)};
}

}  // namespace zoo::apps
