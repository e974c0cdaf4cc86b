// Results drawn onto pictures.
#pragma once

#include <span>

#include <opencv2/core/mat.hpp>

#include "pipeline/classifier.h"

namespace zoo::pipeline {

/// Draws the guesses as lines `93.1% label` with a bar each, on a darkened box in the upper left corner. Text grows
/// with the picture's shorter side and stays at least 8 pixels high; what does not fit (low ranks, long labels) is left
/// out, so that a picture below 24x24 stays as it is. Characters outside ASCII become '?' (OpenCV's fonts lack them).
/// `image`: 8-bit BGR, changed in place.
void draw_classes(cv::Mat& image, std::span<const ClassScore> top);

}  // namespace zoo::pipeline
