#include "pipeline/draw.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

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

}  // namespace

void draw_classes(cv::Mat& image, std::span<const ClassScore> top) {
  if (top.empty() || image.cols < kMinSide || image.rows < kMinSide) return;
  const TextStyle style = style_for(image.size());
  const int room = (image.rows - 2 * style.margin - style.height) / style.line + 1;
  const auto count = static_cast<size_t>(std::clamp(room, 1, static_cast<int>(top.size())));

  std::vector<std::string> lines;
  int width = 0;
  for (const ClassScore& guess : top.first(count)) {
    lines.push_back(fitted(fmt::format("{:.1f}% {}", guess.score * 100.0, ascii_only(guess.label)),
                           image.cols - 2 * style.margin, style));
    width = std::max(width, width_of(lines.back(), style));
  }

  const int box_width = std::min(image.cols, width + 2 * style.margin);
  const int box_height = 2 * style.margin + style.height + style.line * (static_cast<int>(count) - 1);
  cv::Mat box = image(cv::Rect(0, 0, box_width, std::min(image.rows, box_height)));
  box.convertTo(box, -1, kDarken);
  for (size_t i = 0; i < count; ++i) {
    const int baseline = style.margin + style.height + style.line * static_cast<int>(i);
    const int bar = static_cast<int>(std::lround(top[i].score * (box.cols - 1)));
    cv::rectangle(box, {0, baseline - style.height - style.margin / 2}, {bar, baseline + style.margin / 2}, kBarColor,
                  cv::FILLED);
    cv::putText(box, lines[i], {style.margin, baseline}, kFont, style.scale, kTextColor, style.thickness, cv::LINE_AA);
  }
}

}  // namespace zoo::pipeline
