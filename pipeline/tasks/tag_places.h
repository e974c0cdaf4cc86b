// Places for the tags of boxes. Internal to pipeline/tasks.
#pragma once

#include <optional>
#include <vector>

#include <opencv2/core/types.hpp>

namespace zoo::pipeline {

/// Finds a place for each tag, inside the picture and over no other tag: above its box, else in one of the box's
/// corners, below it, or in a column of tags at its left side.
class TagPlaces {
 public:
  explicit TagPlaces(const cv::Size& image) : image_(image) {}

  /// The upper left corner for a tag, which is taken from then on; empty where all places are taken.
  std::optional<cv::Point> take(const cv::Rect& box, const cv::Size& tag);

 private:
  bool is_free(const cv::Rect& place) const;

  const cv::Size image_;
  std::vector<cv::Rect> taken_;
};

}  // namespace zoo::pipeline
