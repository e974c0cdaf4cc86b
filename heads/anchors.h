// Anchor boxes of detection heads.
#pragma once

#include <span>
#include <vector>

#include "heads/detection.h"

namespace zoo::heads {

/// Anchors of one position around (0, 0): for every aspect ratio (height / width) every size (the root of the area),
/// coordinates rounded to integers, halves to even. As torchvision's AnchorGenerator, in float32 like there.
std::vector<Box> cell_anchors(std::span<const double> sizes, std::span<const double> aspect_ratios);

/// NetsPresso Trainer's anchors of one list of sizes per level: position (y, x) of a map of H x W lies at
/// (x * (512 / W), y * (512 / H)), both quotients rounded down, whatever the input's size is. The function throws Error
/// when the maps are not as many as levels or one is larger than 512.
AnchorFunction netspresso_anchors(const std::vector<std::vector<double>>& sizes, std::span<const double> aspect_ratios);

}  // namespace zoo::heads
