#include "heads/box_coding.h"

#include <algorithm>
#include <cmath>

namespace zoo::heads {
namespace {

constexpr float kMaxScaling = 4.135166556742356F;  // log(1000 / 16)

struct Extent {
  float from;
  float to;
};

Extent decode_axis(float from, float to, float shift, float scaling) {
  const float length = to - from;
  const float centre = shift * length + (from + 0.5F * length);
  const float half = 0.5F * (std::exp(std::min(scaling, kMaxScaling)) * length);
  return {centre - half, centre + half};
}

}  // namespace

Box decode_box(const Box& anchor, const std::array<float, 4>& offsets, const BoxCoding& coding) {
  const Extent x = decode_axis(anchor.x0, anchor.x1, offsets[0] / static_cast<float>(coding.x),
                               offsets[2] / static_cast<float>(coding.w));
  const Extent y = decode_axis(anchor.y0, anchor.y1, offsets[1] / static_cast<float>(coding.y),
                               offsets[3] / static_cast<float>(coding.h));
  return {x.from, y.from, x.to, y.to};
}

Box clip_box(const Box& box, graph::Size2d size) {
  const auto width = static_cast<float>(size.w);
  const auto height = static_cast<float>(size.h);
  return {std::clamp(box.x0, 0.0F, width), std::clamp(box.y0, 0.0F, height), std::clamp(box.x1, 0.0F, width),
          std::clamp(box.y1, 0.0F, height)};
}

}  // namespace zoo::heads
