// From a score map to one class per pixel. Plain C++.
#pragma once

#include <cstdint>
#include <span>

#include "nn/graph/op.h"

namespace zoo::heads {

/// Label of a pixel of which the network has seen nothing ("void" in PASCAL VOC). Maps can tell 255 classes apart.
inline constexpr uint8_t kVoidLabel = 255;
inline constexpr int64_t kMaxMapClasses = 255;

/// Where the pixels of a label map lie on the score map, along one axis: the centre of pixel i is at
/// scale * (i + 0.5) + offset, score k covers [k, k + 1]. Pixels outside [first, last) become kVoidLabel.
struct MapAxis {
  int64_t count = 0;
  double scale = 1.0;
  double offset = 0.0;
  int64_t first = 0;
  int64_t last = 0;
};

/// An axis of `count` pixels that the `scores` of the map cover from end to end.
MapAxis whole_axis(int64_t count, int64_t scores);

/// For every pixel the class with the highest bilinearly interpolated score (PyTorch's interpolate with align_corners
/// false: positions outside the outermost centres take the outermost score); of equal scores the lower class. `logits`:
/// [classes, H, W] row-major with `size` = [H, W]; `labels`: [y.count, x.count]. Needs scratch memory for one line of
/// scores only. Throws Error when lengths do not fit or there are more than kMaxMapClasses classes, EngineError when a
/// score is not finite.
void label_map(std::span<const float> logits, int64_t classes, graph::Size2d size, const MapAxis& y, const MapAxis& x,
               std::span<uint8_t> labels);

}  // namespace zoo::heads
