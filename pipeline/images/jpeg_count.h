// One JPEG picture, or motion JPEG: pictures one after the other.
#pragma once

#include <cstdint>
#include <span>

namespace zoo::pipeline {

enum class JpegCount {
  kUndecided,  ///< the bytes end before the first picture does
  kOne,        ///< also where pictures that belong to it follow: views, previews and gain maps (CIPA DC-007, "MPF")
  kSeveral,
};

/// `bytes`: the beginning of a file that begins like a JPEG; `complete`: all of it, never undecided then.
JpegCount count_jpegs(std::span<const uint8_t> bytes, bool complete);

}  // namespace zoo::pipeline
