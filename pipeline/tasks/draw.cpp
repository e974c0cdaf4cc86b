#include "pipeline/tasks/draw.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include "heads/segmentation.h"
#include "nn/core/error.h"
#include "pipeline/images/palette.h"

namespace zoo::pipeline {
namespace {

constexpr int kFont = cv::FONT_HERSHEY_SIMPLEX;
constexpr double kFontHeight = 21.0;       // pixels of a capital letter at scale 1
constexpr double kTextPerSide = 1 / 32.0;  // text height over the picture's shorter side
constexpr double kMinTextHeight = 8.0;
constexpr int kMinSide = 24;
constexpr double kDarken = 0.35;
const cv::Scalar kTextColor(255, 255, 255);
const cv::Scalar kBarColor(150, 110, 30);

/// Sizes in pixels that follow from the picture's size.
struct TextStyle {
  double scale = 0.0;
  int thickness = 1;
  int height = 0;  ///< of a capital letter
  int line = 0;    ///< from one line to the next
  int margin = 0;
};

TextStyle style_for(const cv::Size& size) {
  TextStyle style;
  const double height = std::max(kMinTextHeight, std::min(size.width, size.height) * kTextPerSide);
  style.scale = height / kFontHeight;
  style.height = static_cast<int>(std::lround(height));
  style.thickness = std::max(1, static_cast<int>(std::lround(height / 12.0)));
  style.line = static_cast<int>(std::lround(height * 1.7));
  style.margin = std::max(2, static_cast<int>(std::lround(height * 0.45)));
  return style;
}

std::string ascii_only(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      result += byte < 0x20 ? ' ' : c;
    } else if (byte >= 0xC0) {  // first byte of a longer UTF-8 character
      result += '?';
    }
  }
  return result;
}

int width_of(const std::string& text, const TextStyle& style) {
  int baseline = 0;
  return cv::getTextSize(text, kFont, style.scale, style.thickness, &baseline).width;
}

bool has_room_for_text(const cv::Mat& image) { return image.cols >= kMinSide && image.rows >= kMinSide; }

/// Lines of text that fit below each other, at least one.
size_t lines_in(const cv::Mat& image, const TextStyle& style, size_t wanted) {
  const int room = (image.rows - 2 * style.margin - style.height) / style.line + 1;
  return static_cast<size_t>(std::clamp(room, 1, static_cast<int>(wanted)));
}

/// The upper left corner with room for lines of this width, darkened.
cv::Mat darkened_corner(cv::Mat& image, const TextStyle& style, int text_width, size_t lines) {
  const int width = std::min(image.cols, text_width + 2 * style.margin);
  const int height = 2 * style.margin + style.height + style.line * (static_cast<int>(lines) - 1);
  cv::Mat box = image(cv::Rect(0, 0, width, std::min(image.rows, height)));
  box.convertTo(box, -1, kDarken);
  return box;
}

int baseline_of(const TextStyle& style, size_t line) {
  return style.margin + style.height + style.line * static_cast<int>(line);
}

void put_text(cv::Mat& image, const std::string& text, cv::Point at, const TextStyle& style, const cv::Scalar& color) {
  cv::putText(image, text, at, kFont, style.scale, color, style.thickness, cv::LINE_AA);
}

cv::Scalar bgr(const Rgb& color) {
  return {static_cast<double>(color.b), static_cast<double>(color.g), static_cast<double>(color.r)};
}

/// Black on light colours, white on dark ones (luma of ITU-R 601).
cv::Scalar text_color_on(const Rgb& color) {
  return 0.299 * color.r + 0.587 * color.g + 0.114 * color.b > 140.0 ? cv::Scalar(0, 0, 0) : kTextColor;
}

/// The text, shortened with ".." until it is no wider than `limit`.
std::string fitted(std::string text, int limit, const TextStyle& style) {
  if (width_of(text, style) <= limit) return text;
  while (!text.empty()) {
    text.pop_back();
    std::string shortened = text + "..";
    if (width_of(shortened, style) <= limit) return shortened;
  }
  return text;
}

/// `label 93%` on a patch of the box's colour.
void draw_tag(cv::Mat& image, const FoundObject& object, const cv::Rect& box, const TextStyle& style) {
  const Rgb color = box_color(object.index);
  const std::string text = fitted(fmt::format("{} {:.0f}%", ascii_only(object.label), object.score * 100.0),
                                  image.cols - 2 * style.margin, style);
  const cv::Size patch(width_of(text, style) + 2 * style.margin, style.height + 2 * style.margin);
  const int above = box.y - patch.height;
  const int x = std::clamp(box.x, 0, std::max(0, image.cols - patch.width));
  const int y = std::clamp(above >= 0 ? above : box.y, 0, std::max(0, image.rows - patch.height));
  cv::rectangle(image, cv::Rect({x, y}, patch), bgr(color), cv::FILLED);
  put_text(image, text, {x + style.margin, y + style.margin + style.height}, style, text_color_on(color));
}

/// Halfway from the picture's colour to the class's; black for void.
void tint(cv::Mat& image, const cv::Mat& labels, bool keep_first) {
  const std::array<Rgb, 256>& palette = voc_palette();
  for (int y = 0; y < image.rows; ++y) {
    uint8_t* pixel = image.ptr(y);
    const uint8_t* label = labels.ptr(y);
    for (int x = 0; x < image.cols; ++x, pixel += 3) {
      if (label[x] == 0 && keep_first) continue;
      const Rgb color = label[x] == heads::kVoidLabel ? Rgb{} : palette[label[x]];
      pixel[0] = static_cast<uint8_t>((pixel[0] + color.b) / 2);
      pixel[1] = static_cast<uint8_t>((pixel[1] + color.g) / 2);
      pixel[2] = static_cast<uint8_t>((pixel[2] + color.r) / 2);
    }
  }
}

void draw_legend(cv::Mat& image, const std::vector<ClassShare>& classes) {
  const TextStyle style = style_for(image.size());
  const size_t count = lines_in(image, style, classes.size());
  const int indent = style.height + style.margin;  // a square of the class's colour stands before the text
  std::vector<std::string> lines;
  int width = 0;
  for (size_t i = 0; i < count; ++i) {
    lines.push_back(fitted(fmt::format("{} {:.1f}%", ascii_only(classes[i].label), classes[i].share * 100.0),
                           image.cols - 2 * style.margin - indent, style));
    width = std::max(width, indent + width_of(lines.back(), style));
  }
  cv::Mat box = darkened_corner(image, style, width, count);
  for (size_t i = 0; i < count; ++i) {
    const int baseline = baseline_of(style, i);
    const Rgb& color = voc_palette()[static_cast<size_t>(classes[i].index)];
    cv::rectangle(box, cv::Rect(style.margin, baseline - style.height, style.height, style.height), bgr(color),
                  cv::FILLED);
    put_text(box, lines[i], {style.margin + indent, baseline}, style, kTextColor);
  }
}

}  // namespace

void draw_classes(cv::Mat& image, std::span<const ClassScore> top) {
  if (top.empty() || !has_room_for_text(image)) return;
  const TextStyle style = style_for(image.size());
  const size_t count = lines_in(image, style, top.size());
  std::vector<std::string> lines;
  int width = 0;
  for (const ClassScore& guess : top.first(count)) {
    lines.push_back(fitted(fmt::format("{:.1f}% {}", guess.score * 100.0, ascii_only(guess.label)),
                           image.cols - 2 * style.margin, style));
    width = std::max(width, width_of(lines.back(), style));
  }

  cv::Mat box = darkened_corner(image, style, width, count);
  for (size_t i = 0; i < count; ++i) {
    const int baseline = baseline_of(style, i);
    const int bar = static_cast<int>(std::lround(top[i].score * (box.cols - 1)));
    cv::rectangle(box, {0, baseline - style.height - style.margin / 2}, {bar, baseline + style.margin / 2}, kBarColor,
                  cv::FILLED);
    put_text(box, lines[i], {style.margin, baseline}, style, kTextColor);
  }
}

void draw_boxes(cv::Mat& image, std::span<const FoundObject> boxes) {
  const TextStyle style = style_for(image.size());
  const int line = std::max(1, style.height / 6);
  for (size_t i = boxes.size(); i-- > 0;) {
    const FoundObject& object = boxes[i];
    const cv::Point first(static_cast<int>(std::floor(object.box.x0)), static_cast<int>(std::floor(object.box.y0)));
    const cv::Point end(static_cast<int>(std::ceil(object.box.x1)), static_cast<int>(std::ceil(object.box.y1)));
    const cv::Rect box(first, end);
    cv::rectangle(image, box, bgr(box_color(object.index)), line);
    if (has_room_for_text(image)) draw_tag(image, object, box, style);
  }
}

void draw_mask(cv::Mat& image, const Segmentation& segmentation) {
  if (segmentation.labels.size() != image.size()) throw Error("a mask is as large as its picture");
  std::vector<ClassShare> classes = segmentation.classes;
  const bool keep_first =
      std::erase_if(classes, [](const ClassShare& present) { return is_background(present.index, present.label); }) > 0;
  tint(image, segmentation.labels, keep_first);
  if (!classes.empty() && has_room_for_text(image)) draw_legend(image, classes);
}

}  // namespace zoo::pipeline
