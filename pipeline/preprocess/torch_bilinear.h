// Resizing as torch's interpolate(mode="bilinear", align_corners=False) does it on a float picture: no antialiasing,
// each output pixel from the four around its centre. torchvision's detectors resize so, after normalising.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include <opencv2/core/mat.hpp>
#include <opencv2/core/types.hpp>

namespace zoo::pipeline {

/// Where a row or column comes from: (1 - weight) * src[first] + weight * src[second].
struct BilinearTap {
  int first = 0;
  int second = 0;
  float weight = 0.0F;
};

/// Resizes pictures and turns their bytes into floats on the way. Keeps its tables as long as sizes and window stay the
/// same. One thread at a time.
class TorchBilinear {
 public:
  /// Prepares for pictures of size `src`, of which the pixels `window` are wanted once resized to `size`. Sizes are at
  /// least 1, the window lies inside `size`.
  void prepare(cv::Size src, cv::Size size, const cv::Rect& window);

  /// One channel of `src` (8 bit, of the prepared size), its bytes replaced by `values`: row y of the window goes to
  /// `dst` + y * `stride`.
  void run(const cv::Mat& src, int channel, const std::array<float, 256>& values, float* dst, size_t stride) const;

 private:
  cv::Size src_;
  cv::Size size_;
  cv::Rect window_;
  std::vector<BilinearTap> x_;
  std::vector<BilinearTap> y_;
};

}  // namespace zoo::pipeline
