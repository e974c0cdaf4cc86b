// Colours of classes.
#pragma once

#include <array>
#include <cstdint>

namespace zoo::pipeline {

struct Rgb {
  uint8_t r = 0;
  uint8_t g = 0;
  uint8_t b = 0;
  friend bool operator==(const Rgb&, const Rgb&) = default;
};

/// The colour map of PASCAL VOC's label pictures: the bits of the index, three by three from the lowest, become the
/// bits of red, green and blue from the highest. 0 is black, 255 (void) light grey.
const std::array<Rgb, 256>& voc_palette();

/// The colour that a class is drawn in, boxes and tinted areas alike: bright, and as far as can be from those of lower
/// indices as people see it (CIELAB), so that a model's first classes differ most. The same for every picture and
/// model; from 256 on they come again.
Rgb class_color(int64_t index);

}  // namespace zoo::pipeline
