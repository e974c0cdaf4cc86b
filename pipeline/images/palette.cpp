#include "pipeline/images/palette.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace zoo::pipeline {
namespace {

std::array<Rgb, 256> make_voc_palette() {
  std::array<Rgb, 256> palette{};
  for (size_t index = 0; index < palette.size(); ++index) {
    for (unsigned bit = 0; bit < 3; ++bit) {
      const size_t triple = index >> (3 * bit);
      const unsigned to = 7 - bit;
      palette[index].r = static_cast<uint8_t>(palette[index].r | (triple & 1U) << to);
      palette[index].g = static_cast<uint8_t>(palette[index].g | (triple >> 1U & 1U) << to);
      palette[index].b = static_cast<uint8_t>(palette[index].b | (triple >> 2U & 1U) << to);
    }
  }
  return palette;
}

/// One channel of a hue (0 to 1) at full saturation: a trapezoid around the channel's own hue.
uint8_t channel(double hue, double of_channel, double value) {
  const double distance = std::abs(std::remainder(hue - of_channel, 1.0)) * 6.0;
  return static_cast<uint8_t>(std::lround(255.0 * value * std::clamp(2.0 - distance, 0.0, 1.0)));
}

}  // namespace

const std::array<Rgb, 256>& voc_palette() {
  static const std::array<Rgb, 256> palette = make_voc_palette();
  return palette;
}

Rgb box_color(int64_t index) {
  constexpr double kGoldenAngle = 0.3819660112501051;  // 2 - golden ratio, of a full turn
  const double hue = static_cast<double>(index) * kGoldenAngle;
  const double value = index / 8 % 2 == 0 ? 1.0 : 0.75;  // sets hues that come close again apart
  return {channel(hue, 0.0, value), channel(hue, 1.0 / 3.0, value), channel(hue, 2.0 / 3.0, value)};
}

}  // namespace zoo::pipeline
