// PNG files, through libpng.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include <opencv2/core/mat.hpp>

#include "pipeline/images/palette.h"

namespace zoo::pipeline {

/// An 8-bit palette PNG. `labels`: the indices, 8 bit, one channel. Throws Error.
std::vector<uint8_t> write_palette_png(const cv::Mat& labels, const std::array<Rgb, 256>& palette);

/// A PNG of 8-bit BGR or grey pixels, packed as fast as zlib can: a picture that is saved beside a running network is
/// not what it should wait for. Throws Error.
std::vector<uint8_t> write_png(const cv::Mat& image);

}  // namespace zoo::pipeline
