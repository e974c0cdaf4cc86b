// Resizing of 8-bit pictures, equal to Pillow's Image.resize bit for bit: every trainer resized its pictures with it,
// and what a network sees depends on it (OpenCV's INTER_LINEAR and INTER_AREA differ by up to 76/255).
//
// The algorithm (Pillow's documentation, "Filters"; own implementation): a separable convolution, horizontal pass
// first. For output pixel i the filter is centred at (i + 0.5) * in / out, stretched by the down-scaling factor, cut at
// the border, normalised in double precision and rounded to fixed point with 22 fractional bits (32 bits less 8 for the
// pixel and 2 for overshoot). Each pass rounds to 8 bit; a pass in which the size does not change is left out. Nearest
// takes the pixel under the centre.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <opencv2/core/mat.hpp>
#include <opencv2/core/types.hpp>

#include "models/preprocess_config.h"

namespace zoo::pipeline {

/// The filter weights that yield a range of output pixels along one axis.
struct FilterTable {
  int in_size = 0;
  int out_size = 0;
  int first = 0;     ///< first output pixel of the range
  int count = 0;     ///< output pixels in the range
  int in_begin = 0;  ///< input pixels [in_begin, in_end) are all the range needs
  int in_end = 0;
  int stride = 0;                      ///< weights per output pixel, a multiple of 4; those past `taps` are 0
  std::vector<int32_t> start;          ///< [count] first input pixel
  std::vector<int32_t> taps;           ///< [count] input pixels that contribute; 1 and no weights for nearest
  std::vector<int32_t> weights;        ///< [count, stride] with 22 fractional bits
  std::vector<int16_t> split_weights;  ///< [count, stride / 4, 2, 4]: upper, then lower 15 bits of four weights each
  std::vector<int8_t> byte_weights;    ///< [count, stride / 4, 3, 4]: WeightBytes of four weights, upper ones first

  /// Fills split_weights and byte_weights.
  void split();
};

/// Resizes pictures. Keeps tables and scratch memory: after the first picture of a size it allocates nothing as long as
/// sizes and window stay the same. One thread at a time.
class Resampler {
 public:
  explicit Resampler(models::Interpolation interpolation) : interpolation_(interpolation) {}

  /// Writes the pixels `window` of `src`, resized to `size`, to `dst` (made to fit). Only what the window needs is
  /// computed. `src`: 8 bit, 1 or 3 interleaved channels, not empty; may share no memory with `dst`. Throws Error for
  /// another type, an empty size, or a window that is empty or not inside `size`.
  void run(const cv::Mat& src, cv::Size size, const cv::Rect& window, cv::Mat& dst);

 private:
  void horizontal(const cv::Mat& src, cv::Mat& dst);
  void vertical(const cv::Mat& src, cv::Mat& dst) const;
  void nearest(const cv::Mat& src, cv::Mat& dst) const;

  models::Interpolation interpolation_;
  FilterTable x_;
  FilterTable y_;
  std::vector<uint8_t> lines_;  ///< source rows of one horizontal step, padded
  cv::Mat rows_;                ///< result of the horizontal pass
};

/// A whole picture at once.
cv::Mat resize_image(const cv::Mat& src, cv::Size size, models::Interpolation interpolation);

}  // namespace zoo::pipeline
