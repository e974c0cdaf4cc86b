#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include "pipeline/tasks/draw.h"
#include "pipeline/tasks/panel.h"
#include "pipeline/tasks/tag_places.h"

namespace zoo::pipeline {
namespace {

cv::Rect pixels_of(const heads::Box& box) {
  const cv::Point first(static_cast<int>(std::floor(box.x0)), static_cast<int>(std::floor(box.y0)));
  const cv::Point end(static_cast<int>(std::ceil(box.x1)), static_cast<int>(std::ceil(box.y1)));
  return {first, end};
}

/// A dark line on both sides makes the colour's own visible on any picture.
void draw_box(cv::Mat& image, const FoundObject& object, const TextSizes& sizes) {
  const int line = std::max(1, sizes.height / 6);
  const cv::Rect box = pixels_of(object.box);
  if (line > 1) cv::rectangle(image, box, scalar(kBlack), line + 2);
  cv::rectangle(image, box, scalar(class_color(object.index)), line);
}

/// Label and score of a box, on a patch of its colour.
class Tag {
 public:
  Tag(const FoundObject& object, const cv::Size& image, const TextSizes& sizes)
      : sizes_(sizes), color_(class_color(object.index)), room_(std::max(1, image.width - 2 * sizes.margin)) {
    label_ = label_text(object.label);
    label_width_ = text_painter().width(line(label_));
    if (sizes.compact) return;
    score_ = object.score < 0.005 ? "<1%" : fmt::format("{:.0f}%", object.score * 100.0);
    score_width_ = sizes.margin + number_width(score_, sizes);
    if (label_width_ + score_width_ <= room_) return;
    score_.clear();
    score_width_ = 0;
  }

  cv::Size size() const { return {label_width_ + score_width_ + 2 * sizes_.margin, sizes_.height + 2 * sizes_.margin}; }

  void draw(cv::Mat& image, const cv::Point& at) const {
    cv::rectangle(image, cv::Rect(at, size()), scalar(color_), cv::FILLED);
    const cv::Point text = at + cv::Point(sizes_.margin, sizes_.margin + sizes_.height);
    text_painter().draw(image, line(label_), text, text_color_on(color_));
    if (score_.empty()) return;
    draw_number(image, score_, text + cv::Point(label_width_ + sizes_.margin, 0), sizes_, text_color_on(color_));
  }

 private:
  TextLine line(const std::string& text) const { return {text, sizes_.height, room_}; }

  TextSizes sizes_;
  Rgb color_;
  int room_;
  std::string label_;
  std::string score_;
  int label_width_ = 0;
  int score_width_ = 0;
};

}  // namespace

void draw_boxes(cv::Mat& image, std::span<const FoundObject> boxes) {
  const bool intricate = std::ranges::any_of(boxes, is_intricate_text, &FoundObject::label);
  const TextSizes sizes = text_sizes(image.size(), intricate);
  for (size_t i = boxes.size(); i-- > 0;) draw_box(image, boxes[i], sizes);
  if (!has_room_for_text(image)) return;
  TagPlaces places(image.size());
  for (const FoundObject& object : boxes) {
    const Tag tag(object, image.size(), sizes);
    if (const std::optional<cv::Point> at = places.take(pixels_of(object.box), tag.size())) tag.draw(image, *at);
  }
}

}  // namespace zoo::pipeline
