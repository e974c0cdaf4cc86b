// Results drawn onto pictures.
#pragma once

#include <span>

#include <opencv2/core/mat.hpp>

#include "pipeline/tasks/classifier.h"
#include "pipeline/tasks/detector.h"
#include "pipeline/tasks/segmenter.h"

namespace zoo::pipeline {

/// `image` is 8-bit BGR and changed in place. Text is of any script that the system has fonts for (label_check.h),
/// grows with the picture's shorter side and stays legible; a picture below 24x24 has none, and one whose shorter side
/// is below 160 only the most important, without decimals. What would be written as 0.0% is left out.

/// Draws the guesses as lines `93.1% label` with a bar each, on a darkened panel in the upper left corner that leaves
/// most of the picture free: low ranks are left out first, and long labels of low ranks lose their end. The best
/// guess's label is broken into lines, then smaller, but loses nothing that the picture has room for. A small picture
/// has that guess alone.
void draw_classes(cv::Mat& image, std::span<const ClassScore> top);

/// Draws kUnknownLabel in the same place and manner, without a bar.
void draw_unknown(cv::Mat& image);

/// Draws what a classification says: the steady name of a video with the mean of its scores, below it the frame's own
/// other guesses; without one the guesses; "unknown" alone where that is the answer.
void draw_classification(cv::Mat& image, const Classification& result);

/// Draws every box in its class's colour (class_color), the best on top, with a tag `label 93%` (of a small picture
/// `label`): above its box, in one of its corners or below it, inside the picture and never over another tag. Where all
/// that is taken, the box of the lower score has no tag.
void draw_boxes(cv::Mat& image, std::span<const FoundObject> boxes);

/// Tints every class in its colour (class_color), its edges in full, and lists what occurs in the upper left corner,
/// largest share first; void is darkened. The background stays as it is (is_background in network_runner.h).
void draw_mask(cv::Mat& image, const Segmentation& segmentation);

}  // namespace zoo::pipeline
