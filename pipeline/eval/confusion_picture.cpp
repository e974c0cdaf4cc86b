#include "pipeline/eval/confusion_picture.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include "pipeline/tasks/network_runner.h"

namespace zoo::eval {
namespace {

constexpr int kFont = cv::FONT_HERSHEY_SIMPLEX;
constexpr double kFontScale = 0.42;
constexpr double kTitleScale = 0.55;
constexpr int kTextHeight = 9;  // pixels of a capital letter at kFontScale
constexpr int kMargin = 12;
constexpr int kTitleRoom = 28;
constexpr int kMaxLabelWidth = 150;
constexpr int kLabelPitch = 15;  // pixels between the lines of two labels
constexpr int64_t kMaxNumbered = 24;

const cv::Scalar kInk(40, 40, 40);
const cv::Scalar kPaper(255, 255, 255);
const cv::Scalar kGrid(225, 225, 225);
const cv::Vec3b kAbsent(232, 232, 232);

/// Side of a cell in pixels.
int cell_side(int64_t classes) {
  if (classes <= kMaxNumbered) return 36;
  if (classes <= 80) return kLabelPitch;
  return static_cast<int>(std::max<int64_t>(2, 1200 / classes));
}

/// White to dark blue, with a step at the very first so that single mistakes can be seen.
cv::Vec3b shade(double share) {
  if (share <= 0.0) return {255, 255, 255};
  const double t = 0.08 + 0.92 * std::sqrt(std::min(share, 1.0));
  const std::array<double, 3> dark = {110.0, 48.0, 8.0};  // BGR
  cv::Vec3b color;
  for (int c = 0; c < 3; ++c) {
    color[c] = static_cast<uint8_t>(std::lround(255.0 + t * (dark[static_cast<size_t>(c)] - 255.0)));
  }
  return color;
}

std::string ascii_only(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) result += byte < 0x20 ? ' ' : c;
    if (byte >= 0xC0) result += '?';  // first byte of a longer UTF-8 character
  }
  return result;
}

int width_of(const std::string& text, double scale) {
  int baseline = 0;
  return cv::getTextSize(text, kFont, scale, 1, &baseline).width;
}

std::string fitted(std::string text, int limit) {
  if (width_of(text, kFontScale) <= limit) return text;
  while (!text.empty() && width_of(text + "..", kFontScale) > limit) text.pop_back();
  return text + "..";
}

void put_text(cv::Mat& image, const std::string& text, cv::Point at, double scale, const cv::Scalar& color) {
  cv::putText(image, text, at, kFont, scale, color, 1, cv::LINE_AA);
}

/// Text that reads from bottom to top and begins at `at`, the middle of its lower end.
void put_upright_text(cv::Mat& image, const std::string& text, cv::Point at) {
  int baseline = 0;
  const cv::Size size = cv::getTextSize(text, kFont, kFontScale, 1, &baseline);
  cv::Mat strip(size.height + 2 * baseline, size.width + 2, CV_8UC3, kPaper);
  put_text(strip, text, {1, size.height + baseline / 2}, kFontScale, kInk);
  cv::rotate(strip, strip, cv::ROTATE_90_COUNTERCLOCKWISE);
  const cv::Rect place(at.x - strip.cols / 2, at.y - strip.rows, strip.cols, strip.rows);
  const cv::Rect inside = place & cv::Rect({0, 0}, image.size());
  strip(inside - place.tl()).copyTo(image(inside));
}

/// Where things are.
struct Layout {
  int cell;
  int64_t step;  ///< every `step`-th class has a label
  std::vector<std::string> labels;
  cv::Point origin;  ///< of the matrix
  int side;          ///< of the matrix

  Layout(const ConfusionMatrix& confusion, std::span<const std::string> names)
      : cell(cell_side(confusion.classes())), step((kLabelPitch + cell - 1) / cell) {
    int widest = 0;
    const std::vector<std::string> all(names.begin(), names.end());
    for (int64_t i = 0; i < confusion.classes(); ++i) {
      labels.push_back(fitted(ascii_only(pipeline::label_of(all, i)), kMaxLabelWidth));
      widest = std::max(widest, width_of(labels.back(), kFontScale));
    }
    origin = {kMargin + widest + kMargin, kMargin + kTitleRoom + widest + kMargin};
    side = cell * static_cast<int>(confusion.classes());
  }

  int offset(int64_t index) const { return cell * static_cast<int>(index); }
  cv::Rect cell_at(int64_t row, int64_t column) const {
    return {origin.x + offset(column), origin.y + offset(row), cell, cell};
  }
};

void draw_cells(cv::Mat& image, const ConfusionMatrix& confusion, const Layout& layout) {
  const std::vector<int64_t> truths = confusion.truths();
  for (int64_t row = 0; row < confusion.classes(); ++row) {
    if (truths[static_cast<size_t>(row)] > 0) continue;
    image(cv::Rect(layout.origin.x, layout.origin.y + layout.offset(row), layout.side, layout.cell)).setTo(kAbsent);
  }
  for (const auto& [pair, count] : confusion.counts()) {
    if (pair.second == confusion.nothing()) continue;
    const double share = static_cast<double>(count) / static_cast<double>(truths[static_cast<size_t>(pair.first)]);
    image(layout.cell_at(pair.first, pair.second)).setTo(shade(share));
  }
}

void draw_grid(cv::Mat& image, const Layout& layout) {
  constexpr int kSmallest = 8;  // below, lines would hide the cells
  const cv::Rect frame(layout.origin, cv::Size(layout.side + 1, layout.side + 1));
  for (int at = layout.cell; layout.cell >= kSmallest && at < layout.side; at += layout.cell) {
    cv::line(image, {frame.x + at, frame.y}, {frame.x + at, frame.y + layout.side}, kGrid);
    cv::line(image, {frame.x, frame.y + at}, {frame.x + layout.side, frame.y + at}, kGrid);
  }
  cv::rectangle(image, frame, kInk);
}

void draw_numbers(cv::Mat& image, const ConfusionMatrix& confusion, const Layout& layout) {
  const std::vector<int64_t> truths = confusion.truths();
  for (const auto& [pair, count] : confusion.counts()) {
    if (pair.second == confusion.nothing()) continue;
    const double share = static_cast<double>(count) / static_cast<double>(truths[static_cast<size_t>(pair.first)]);
    const std::string text = share < 0.005 ? "<1" : fmt::format("{:.0f}", share * 100.0);
    const cv::Rect cell = layout.cell_at(pair.first, pair.second);
    const cv::Point at(cell.x + (cell.width - width_of(text, kFontScale)) / 2,
                       cell.y + (cell.height + kTextHeight) / 2);
    put_text(image, text, at, kFontScale, share > 0.2 ? kPaper : kInk);
  }
}

void draw_labels(cv::Mat& image, const Layout& layout) {
  const auto classes = static_cast<int64_t>(layout.labels.size());
  for (int64_t i = 0; i < classes; i += layout.step) {
    const std::string& text = layout.labels[static_cast<size_t>(i)];
    const int middle = layout.offset(i) + layout.cell / 2;
    put_text(image, text,
             {layout.origin.x - kMargin / 2 - width_of(text, kFontScale), layout.origin.y + middle + kTextHeight / 2},
             kFontScale, kInk);
    put_upright_text(image, text, {layout.origin.x + middle, layout.origin.y - kMargin / 2});
  }
}

}  // namespace

cv::Mat draw_confusion(const ConfusionMatrix& confusion, std::span<const std::string> labels) {
  constexpr const char* kTitle = "rows: true class, columns: found class, % of the row";
  const Layout layout(confusion, labels);
  const int width = std::max(layout.origin.x + layout.side, kMargin + width_of(kTitle, kTitleScale)) + 2 * kMargin;
  cv::Mat image(layout.origin.y + layout.side + 2 * kMargin, width, CV_8UC3, kPaper);
  draw_cells(image, confusion, layout);
  draw_grid(image, layout);
  if (confusion.classes() <= kMaxNumbered) draw_numbers(image, confusion, layout);
  draw_labels(image, layout);
  put_text(image, kTitle, {kMargin, kMargin + 14}, kTitleScale, kInk);
  return image;
}

}  // namespace zoo::eval
