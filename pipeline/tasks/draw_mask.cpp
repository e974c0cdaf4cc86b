#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include "heads/segmentation.h"
#include "nn/core/error.h"
#include "pipeline/tasks/draw.h"
#include "pipeline/tasks/panel.h"

namespace zoo::pipeline {
namespace {

/// How one label is drawn.
struct Paint {
  bool visible = false;
  std::array<uint8_t, 3> edge{};  ///< blue, green, red of the area's edge
  std::array<uint8_t, 3> half{};  ///< half of it, to be added to half of the picture inside
  bool has_edge = false;
};

std::array<Paint, 256> paints(bool keep_first) {
  std::array<Paint, 256> all;
  for (size_t label = 0; label < all.size(); ++label) {
    const bool is_void = label == heads::kVoidLabel;
    const Rgb color = is_void ? kBlack : class_color(static_cast<int64_t>(label));
    Paint& paint = all[label];
    paint.visible = label != 0 || !keep_first;
    paint.has_edge = !is_void;
    paint.edge = {color.b, color.g, color.r};
    std::ranges::transform(paint.edge, paint.half.begin(),
                           [](uint8_t value) { return static_cast<uint8_t>(value / 2); });
  }
  return all;
}

/// Halfway from the picture's colour to the class's inside an area, the class's own colour on its edge, which is `edge`
/// pixels wide.
void tint(cv::Mat& image, const cv::Mat& labels, bool keep_first, int edge) {
  const std::array<Paint, 256> all = paints(keep_first);
  for (int y = 0; y < image.rows; ++y) {
    uint8_t* pixel = image.ptr(y);
    const uint8_t* label = labels.ptr(y);
    const uint8_t* above = labels.ptr(std::max(0, y - edge));
    const uint8_t* below = labels.ptr(std::min(image.rows - 1, y + edge));
    for (int x = 0; x < image.cols; ++x, pixel += 3) {
      const uint8_t own = label[x];
      const Paint& paint = all[own];
      if (!paint.visible) continue;
      const bool inside = above[x] == own && below[x] == own && label[std::max(0, x - edge)] == own &&
                          label[std::min(image.cols - 1, x + edge)] == own;
      for (size_t c = 0; c < 3; ++c) {
        pixel[c] = inside || !paint.has_edge ? static_cast<uint8_t>(pixel[c] / 2 + paint.half[c]) : paint.edge[c];
      }
    }
  }
}

/// What the legend names: nothing that would be 0.0%.
bool is_named(const ClassShare& present) { return present.share >= 0.0005; }

struct LegendLine {
  TextLine label;
  std::string share;
  int label_width = 0;
  int share_width = 0;  ///< with the space before it; 0: it is not written
};

LegendLine legend_line(const ClassShare& present, const TextSizes& sizes, int room) {
  LegendLine line;
  if (!sizes.compact) {
    line.share = fmt::format("{:.1f}%", present.share * 100.0);
    line.share_width = sizes.margin + number_width(line.share, sizes);
  }
  line.label = {label_text(present.label), sizes.height, std::max(1, room - line.share_width)};
  line.label_width = text_painter().width(line.label);
  return line;
}

void draw_legend(cv::Mat& image, std::vector<ClassShare> classes) {
  std::erase_if(classes, [](const ClassShare& present) { return !is_named(present); });
  if (classes.empty()) return;
  const TextSizes sizes = text_sizes(image.size(), std::ranges::any_of(classes, is_intricate_text, &ClassShare::label));
  if (std::ssize(classes) > lines_of_panel(image, sizes))
    classes.resize(static_cast<size_t>(lines_of_panel(image, sizes)));

  const int indent = sizes.height + sizes.margin;  // a square of the class's colour stands before the text
  const int room = std::max(1, image.cols - 2 * sizes.margin - indent);
  std::vector<LegendLine> lines;
  int width = 0;
  for (const ClassShare& present : classes) {
    lines.push_back(legend_line(present, sizes, room));
    width = std::max(width, indent + lines.back().label_width + lines.back().share_width);
  }
  cv::Mat box = darkened_corner(image, sizes, width, static_cast<int>(lines.size()));
  for (size_t i = 0; i < lines.size(); ++i) {
    const LegendLine& line = lines[i];
    const int baseline = baseline_of(sizes, static_cast<int>(i));
    const cv::Rect square(sizes.margin, baseline - sizes.height, sizes.height, sizes.height);
    cv::rectangle(box, square, scalar(class_color(classes[i].index)), cv::FILLED);
    text_painter().draw(box, line.label, {sizes.margin + indent, baseline}, kWhite);
    if (line.share_width == 0) continue;
    draw_number(box, line.share, {2 * sizes.margin + indent + line.label_width, baseline}, sizes, kWhite);
  }
}

}  // namespace

void draw_mask(cv::Mat& image, const Segmentation& segmentation) {
  if (segmentation.labels.size() != image.size()) throw Error("a mask is as large as its picture");
  constexpr int kSidePerEdge = 400;
  std::vector<ClassShare> classes = segmentation.classes;
  const bool keep_first =
      std::erase_if(classes, [](const ClassShare& present) { return is_background(present.index, present.label); }) > 0;
  tint(image, segmentation.labels, keep_first, std::max(1, std::min(image.cols, image.rows) / kSidePerEdge));
  if (!classes.empty() && has_room_for_text(image)) draw_legend(image, std::move(classes));
}

}  // namespace zoo::pipeline
