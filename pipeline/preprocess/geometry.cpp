#include "pipeline/preprocess/geometry.h"

#include <algorithm>
#include <cmath>

namespace zoo::pipeline {

FrameMapping::Axis::Axis(int frame_size, int resized, int window_first, int window_count, int origin, int output_size)
    : scale(static_cast<double>(resized) / frame_size),
      shift(origin - window_first),
      begin(window_first / scale),
      end((window_first + window_count) / scale),
      frame(frame_size),
      output(output_size) {}

double FrameMapping::Axis::to_source(double input) const { return std::clamp((input - shift) / scale, begin, end); }

double FrameMapping::Axis::to_input(double source) const { return source * scale + shift; }

heads::MapAxis FrameMapping::Axis::on_map(int64_t scores) const {
  const double per_pixel = static_cast<double>(scores) / static_cast<double>(output);
  const auto first_centre = [&](double edge) {
    return std::clamp(static_cast<int64_t>(std::ceil(edge - 0.5)), int64_t{0}, frame);
  };
  return {frame, scale * per_pixel, shift * per_pixel, first_centre(begin), first_centre(end)};
}

FrameMapping::FrameMapping(const PreprocessGeometry& placed, cv::Size frame)
    : x_(frame.width, placed.resized.width, placed.window.x, placed.window.width, placed.origin.x, placed.output.width),
      y_(frame.height, placed.resized.height, placed.window.y, placed.window.height, placed.origin.y,
         placed.output.height) {}

heads::Box FrameMapping::to_source(const heads::Box& box) const {
  return {static_cast<float>(x_.to_source(box.x0)), static_cast<float>(y_.to_source(box.y0)),
          static_cast<float>(x_.to_source(box.x1)), static_cast<float>(y_.to_source(box.y1))};
}

heads::Box FrameMapping::to_input(const heads::Box& box) const {
  return {static_cast<float>(x_.to_input(box.x0)), static_cast<float>(y_.to_input(box.y0)),
          static_cast<float>(x_.to_input(box.x1)), static_cast<float>(y_.to_input(box.y1))};
}

}  // namespace zoo::pipeline
