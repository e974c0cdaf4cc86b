// Pixels that are no squares.
#pragma once

namespace zoo::ffmpeg {

/// Width to height of a pixel when it is shown, both more than 0: 16:11 of PAL's wide pictures, 1:1 of most videos.
struct PixelAspect {
  int width = 1;
  int height = 1;

  bool operator==(const PixelAspect&) const = default;
};

}  // namespace zoo::ffmpeg
