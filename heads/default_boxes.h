// The default boxes of SSD (Liu et al. 2016, arXiv:1512.02325, section 2.2) as torchvision's DefaultBoxGenerator lays
// them: the same float32 operations in the same order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "heads/detection.h"
#include "nn/graph/op.h"

namespace zoo::heads {

/// Sizes are shares of the input.
struct DefaultBoxOptions {
  /// Of every level, in addition to 1: each stands for a wide and a high box.
  std::vector<std::vector<double>> aspect_ratios;
  /// One per level and one more: a level's boxes have its scale s; the second of the two square ones has
  /// sqrt(s * scale of the next level).
  std::vector<double> scales;
  /// Pixels of the input from one position of a level to the next; empty: the input divided by the map.
  std::vector<double> steps;
  bool clip = true;  ///< whether width and height are at most 1
};

/// torchvision's choice for this many levels: evenly from `min_ratio` to `max_ratio`, then 1; for one level the two.
std::vector<double> even_scales(size_t levels, double min_ratio, double max_ratio);

/// Two square boxes and two per aspect ratio, for every level.
std::vector<int64_t> boxes_per_position(const DefaultBoxOptions& options);

/// Boxes of all levels in the order of the rows: level, row, column, box (square, larger square, then wide and high of
/// every aspect ratio). In pixels of the input, not clipped to it. One map per level.
std::vector<Box> default_boxes(const DefaultBoxOptions& options, std::span<const graph::Size2d> maps,
                               graph::Size2d input);

}  // namespace zoo::heads
