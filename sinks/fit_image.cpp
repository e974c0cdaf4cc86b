#include "sinks/fit_image.h"

#include <algorithm>
#include <cmath>

#include <opencv2/imgproc.hpp>

namespace zoo::sinks {

cv::Mat fit_image(const cv::Mat& image, cv::Size size) {
  if (image.size() == size) return image;
  const double scale =
      std::min(static_cast<double>(size.width) / image.cols, static_cast<double>(size.height) / image.rows);
  const auto scaled = [&](int length, int limit) {
    return std::clamp(static_cast<int>(std::lround(length * scale)), 1, limit);
  };
  const cv::Size inner(scaled(image.cols, size.width), scaled(image.rows, size.height));
  cv::Mat fitted(size, image.type(), cv::Scalar::all(0));
  cv::Mat middle = fitted(cv::Rect({(size.width - inner.width) / 2, (size.height - inner.height) / 2}, inner));
  cv::resize(image, middle, inner, 0, 0, scale < 1.0 ? cv::INTER_AREA : cv::INTER_LINEAR);
  return fitted;
}

}  // namespace zoo::sinks
