// Boxes from anchors and a head's four offsets, in single precision as PyTorch computes them.
#pragma once

#include <array>

#include "heads/detection.h"

namespace zoo::heads {

/// The box that `offsets` (dx, dy, dw, dh) describe: the anchor's centre moved by dx, dy of its width and height, and
/// its sides scaled by exp(dw), exp(dh), each offset divided by `coding` first. dw and dh are capped at log(1000 / 16)
/// before the exponential (torchvision's BoxCoder, models/detection/_utils.py).
Box decode_box(const Box& anchor, const std::array<float, 4>& offsets, const BoxCoding& coding);

/// The part of a box inside [0, W] x [0, H]. A box that lies outside becomes a line or a point on the border.
Box clip_box(const Box& box, graph::Size2d size);

}  // namespace zoo::heads
