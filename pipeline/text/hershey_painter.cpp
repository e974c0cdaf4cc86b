#include "pipeline/text/hershey_painter.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include <opencv2/imgproc.hpp>

#include "pipeline/text/code_points.h"

namespace zoo::pipeline {
namespace {

constexpr int kFont = cv::FONT_HERSHEY_SIMPLEX;
constexpr double kFontHeight = 21.0;  // pixels of a capital letter at scale 1

double scale_of(int height) { return height / kFontHeight; }
int thickness_of(int height) { return std::max(1, static_cast<int>(std::lround(height / 12.0))); }

int width_of(const std::string& ascii, int height) {
  if (ascii.empty()) return 0;  // of which OpenCV says that it is as wide as the pen
  int baseline = 0;
  return cv::getTextSize(ascii, kFont, scale_of(height), thickness_of(height), &baseline).width;
}

std::string ascii_of(std::string_view text) {
  std::string ascii;
  for (const char32_t character : code_points(text)) ascii += character < 0x80 ? static_cast<char>(character) : '?';
  return ascii;
}

/// Shortened with ".." until it is no wider than the limit.
std::string fitted(const TextLine& line) {
  std::string text = ascii_of(line.text);
  if (width_of(text, line.height) <= line.limit) return text;
  while (!text.empty() && width_of(text + "..", line.height) > line.limit) text.pop_back();
  return text + "..";
}

}  // namespace

int HersheyPainter::width(const TextLine& line) { return width_of(fitted(line), line.height); }

std::vector<std::string> HersheyPainter::broken(const TextLine& line) {
  std::vector<std::string> lines;
  std::string rest = ascii_of(line.text);
  while (width_of(rest, line.height) > line.limit && rest.size() > 1) {
    size_t length = rest.size() - 1;
    while (length > 1 && width_of(rest.substr(0, length), line.height) > line.limit) --length;
    const size_t space = rest.rfind(' ', length);
    const bool between_words = space != std::string::npos && space > 0;
    lines.push_back(rest.substr(0, between_words ? space : length));
    rest.erase(0, between_words ? space + 1 : length);
  }
  lines.push_back(std::move(rest));
  return lines;
}

void HersheyPainter::draw(cv::Mat& image, const TextLine& line, cv::Point at, const Rgb& color) {
  cv::putText(image, fitted(line), at, kFont, scale_of(line.height), cv::Scalar(color.b, color.g, color.r),
              thickness_of(line.height), cv::LINE_AA);
}

char32_t HersheyPainter::missing(const std::string& text) {
  const std::u32string characters = code_points(text);
  const auto found = std::ranges::find_if(characters, [](char32_t character) { return character >= 0x80; });
  return found == characters.end() ? 0 : *found;
}

}  // namespace zoo::pipeline
