// Results drawn onto pictures.
#pragma once

#include <span>

#include <opencv2/core/mat.hpp>

#include "pipeline/tasks/classifier.h"
#include "pipeline/tasks/detector.h"
#include "pipeline/tasks/segmenter.h"

namespace zoo::pipeline {

/// Draws the guesses as lines `93.1% label` with a bar each, on a darkened box in the upper left corner. Text grows
/// with the picture's shorter side and stays at least 8 pixels high; what does not fit (low ranks, long labels) is left
/// out, so that a picture below 24x24 stays as it is. Characters outside ASCII become '?' (OpenCV's fonts lack them).
/// `image`: 8-bit BGR, changed in place.
void draw_classes(cv::Mat& image, std::span<const ClassScore> top);

/// Draws every box in its class's colour (box_color) with a tag `label 93%`, the best on top. The tag stands above its
/// box, where there is room, and always inside the picture; its text as above, and no tags below 24x24.
void draw_boxes(cv::Mat& image, std::span<const FoundObject> boxes);

/// Tints every class in its colour (voc_palette) and lists what occurs in the upper left corner, largest share first;
/// void is darkened. The background stays as it is (is_background in network_runner.h).
void draw_mask(cv::Mat& image, const Segmentation& segmentation);

}  // namespace zoo::pipeline
