// The confusion matrix to look at.
#pragma once

#include <span>
#include <string>

#include <opencv2/core/mat.hpp>

#include "pipeline/eval/confusion_matrix.h"

namespace zoo::eval {

/// True classes from top to bottom, found ones from left to right; the darker a cell, the larger its share of its row.
/// Up to 24 classes have the share in per cent in every cell that has one; rows of classes that never occurred are
/// grey. Labels are shortened to fit; with many classes only every so many has one. Characters outside ASCII become
/// '?'. `labels`: as in a model file, may be empty. 8-bit BGR, at most some 2,500 pixels wide and high for up to 1,000
/// classes.
cv::Mat draw_confusion(const ConfusionMatrix& confusion, std::span<const std::string> labels);

}  // namespace zoo::eval
