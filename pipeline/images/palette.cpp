#include "pipeline/images/palette.h"

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

}  // namespace

const std::array<Rgb, 256>& voc_palette() {
  static const std::array<Rgb, 256> palette = make_voc_palette();
  return palette;
}

}  // namespace zoo::pipeline
