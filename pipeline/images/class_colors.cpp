#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "pipeline/images/palette.h"

namespace zoo::pipeline {
namespace {

constexpr size_t kColors = 256;

/// CIE 1976 L*a*b*: equal distances look equally different.
struct Lab {
  double lightness = 0.0;
  double a = 0.0;
  double b = 0.0;
};

double squared_distance(const Lab& x, const Lab& y) {
  const double lightness = x.lightness - y.lightness;
  const double a = x.a - y.a;
  const double b = x.b - y.b;
  return lightness * lightness + a * a + b * b;
}

/// IEC 61966-2-1: a stored value to linear light.
double linear(uint8_t value) {
  const double part = value / 255.0;
  return part <= 0.04045 ? part / 12.92 : std::pow((part + 0.055) / 1.055, 2.4);
}

double lab_root(double value) {
  constexpr double kKnee = 216.0 / 24389.0;
  return value > kKnee ? std::cbrt(value) : (24389.0 / 27.0 * value + 16.0) / 116.0;
}

/// sRGB's primaries, white point D65.
Lab lab_of(const Rgb& color) {
  const double r = linear(color.r);
  const double g = linear(color.g);
  const double b = linear(color.b);
  const double x = lab_root((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505);
  const double y = lab_root(0.2126 * r + 0.7152 * g + 0.0722 * b);
  const double z = lab_root((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.0890);
  return {116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)};
}

struct Candidate {
  Rgb color;
  Lab lab;
  double distance = std::numeric_limits<double>::max();  ///< squared, to the nearest colour that is taken
};

/// Colours that show on black and on white and are no grey.
std::vector<Candidate> candidates() {
  constexpr int kStep = 17;
  constexpr double kDarkest = 50.0;
  constexpr double kLightest = 92.0;
  constexpr double kGreyest = 35.0;
  std::vector<Candidate> found;
  for (int r = 0; r < 256; r += kStep) {
    for (int g = 0; g < 256; g += kStep) {
      for (int b = 0; b < 256; b += kStep) {
        const Rgb color{static_cast<uint8_t>(r), static_cast<uint8_t>(g), static_cast<uint8_t>(b)};
        const Lab lab = lab_of(color);
        if (lab.lightness < kDarkest || lab.lightness > kLightest || std::hypot(lab.a, lab.b) < kGreyest) continue;
        found.push_back({color, lab});
      }
    }
  }
  return found;
}

std::array<Rgb, kColors> make_colors() {
  std::vector<Candidate> left = candidates();
  std::array<Rgb, kColors> colors;
  Rgb next{255, 51, 51};
  for (Rgb& color : colors) {
    color = next;
    const Lab taken = lab_of(color);
    const Candidate* farthest = nullptr;
    for (Candidate& candidate : left) {
      candidate.distance = std::min(candidate.distance, squared_distance(candidate.lab, taken));
      if (farthest == nullptr || candidate.distance > farthest->distance) farthest = &candidate;
    }
    next = farthest->color;
  }
  return colors;
}

}  // namespace

Rgb class_color(int64_t index) {
  static const std::array<Rgb, kColors> colors = make_colors();
  return colors[static_cast<size_t>(index) % kColors];
}

}  // namespace zoo::pipeline
