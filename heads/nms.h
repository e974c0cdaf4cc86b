// Non-maximum suppression with torchvision's arithmetic (ops/cpu/nms_kernel.cpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "heads/detection.h"

namespace zoo::heads {

/// Intersection over union in single precision; NaN for two boxes without area.
float overlap_of(const Box& a, const Box& b);

struct SuppressionOptions {
  double threshold = 0.5;
  bool class_agnostic = false;  ///< compare all with all, whatever their label
  int64_t limit = 0;            ///< stop after so many; 0: none
};

/// Goes through the detections, best first, and keeps those whose overlap with every kept one of the same label is not
/// greater than the threshold. A NaN overlap is not greater: boxes without area stay, as in torchvision. Yields the
/// positions of what stays, ascending. The time grows with the square of what one label keeps.
std::vector<size_t> suppress(std::span<const Detection> detections, const SuppressionOptions& options);

}  // namespace zoo::heads
