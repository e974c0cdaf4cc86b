#include "pipeline/tasks/panel.h"

#include <algorithm>
#include <cmath>

#include "nn/core/shown_text.h"
#include "pipeline/text/code_points.h"
#include "pipeline/text/font_packages.h"

namespace zoo::pipeline {
namespace {

constexpr double kTextPerSide = 1 / 32.0;  // text height over the picture's shorter side
constexpr int kMinSide = 24;               // of a picture with text
constexpr int kCompactSide = 160;
constexpr int kLeastHeight = 6;
constexpr int kLeastIntricateHeight = 9;
constexpr int kUsualLeastHeight = 8;
constexpr double kDarken = 0.35;
constexpr double kMostOfPicture = 0.4;  // that a panel covers from above

TextLine digit_line(char digit, const TextSizes& sizes) {
  const int wide_enough = 4 * sizes.height;
  return {std::string(1, digit), sizes.height, wide_enough};
}

}  // namespace

TextSizes with_height(TextSizes sizes, int height) {
  sizes.height = height;
  sizes.line = static_cast<int>(std::lround(height * 1.75));
  sizes.margin = std::max(2, static_cast<int>(std::lround(height * 0.45)));
  return sizes;
}

TextSizes text_sizes(const cv::Size& image, bool intricate) {
  const int side = std::min(image.width, image.height);
  TextSizes sizes;
  sizes.compact = side < kCompactSide;
  sizes.least_height = intricate ? kLeastIntricateHeight : kLeastHeight;
  const int usual = std::max(sizes.compact ? kLeastHeight + 1 : kUsualLeastHeight, sizes.least_height);
  return with_height(sizes, std::max(usual, static_cast<int>(std::lround(side * kTextPerSide))));
}

bool has_room_for_text(const cv::Mat& image) { return image.cols >= kMinSide && image.rows >= kMinSide; }

std::string label_text(const std::string& label) {
  constexpr size_t kMaxBytes = 160;
  return shortened(label, kMaxBytes);
}

bool is_intricate_text(const std::string& text) { return std::ranges::any_of(code_points(text), is_intricate); }

// Luma of ITU-R 601.
Rgb text_color_on(const Rgb& color) {
  return 0.299 * color.r + 0.587 * color.g + 0.114 * color.b > 110.0 ? kBlack : kWhite;
}

cv::Scalar scalar(const Rgb& color) {
  return {static_cast<double>(color.b), static_cast<double>(color.g), static_cast<double>(color.r)};
}

int number_width(const std::string& number, const TextSizes& sizes) {
  int width = 0;
  for (const char digit : number) width += text_painter().width(digit_line(digit, sizes));
  return width;
}

void draw_number(cv::Mat& image, const std::string& number, cv::Point at, const TextSizes& sizes, const Rgb& color) {
  for (const char digit : number) {
    const TextLine line = digit_line(digit, sizes);
    text_painter().draw(image, line, at, color);
    at.x += text_painter().width(line);
  }
}

cv::Mat darkened_corner(cv::Mat& image, const TextSizes& sizes, int text_width, int lines) {
  const int width = std::min(image.cols, text_width + 2 * sizes.margin);
  const int height = 2 * sizes.margin + sizes.height + sizes.line * (lines - 1);
  cv::Mat box = image(cv::Rect(0, 0, width, std::min(image.rows, height)));
  box.convertTo(box, -1, kDarken);
  return box;
}

int baseline_of(const TextSizes& sizes, int line) { return sizes.margin + sizes.height + sizes.line * line; }

int lines_of_panel(const cv::Mat& image, const TextSizes& sizes) {
  const double room = image.rows * kMostOfPicture - 2 * sizes.margin - sizes.height;
  return std::max(1, static_cast<int>(room / sizes.line) + 1);
}

}  // namespace zoo::pipeline
