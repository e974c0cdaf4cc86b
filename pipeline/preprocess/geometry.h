// From pixels of the network's input back to pixels of the picture, through the inverse of the preprocessing.
#pragma once

#include <cstdint>

#include <opencv2/core/types.hpp>

#include "heads/detection.h"
#include "heads/segmentation.h"
#include "pipeline/preprocess/preprocess.h"

namespace zoo::pipeline {

/// Where one picture and the network's input meet. Pixel i covers [i, i + 1] in both.
class FrameMapping {
 public:
  /// `placed`: Preprocessor::geometry of a frame of this size.
  FrameMapping(const PreprocessGeometry& placed, cv::Size frame);

  /// A box of the network's input in pixels of the picture, cut to the part of the picture that the network sees. One
  /// that lies beside it, in what a letterbox adds, becomes a line or a point.
  heads::Box to_source(const heads::Box& box) const;
  /// A box of the picture in pixels of the network's input.
  heads::Box to_input(const heads::Box& box) const;

  /// Where the picture's pixels lie on a score map that covers the network's input with so many rows and columns.
  /// Pixels that a crop cuts off are outside [first, last).
  heads::MapAxis rows(int64_t scores) const { return y_.on_map(scores); }
  heads::MapAxis columns(int64_t scores) const { return x_.on_map(scores); }

 private:
  /// Along one axis.
  struct Axis {
    Axis(int frame_size, int resized, int window_first, int window_count, int origin, int output_size);

    double to_source(double input) const;
    double to_input(double source) const;
    heads::MapAxis on_map(int64_t scores) const;

    double scale;  ///< of the picture by resizing
    double shift;  ///< of the resized picture
    double begin;  ///< [begin, end) of the picture is what the network sees
    double end;
    int64_t frame;  ///< pixels
    int64_t output;
  };

  Axis x_;
  Axis y_;
};

}  // namespace zoo::pipeline
