#include "apps/live_window.h"

#include <algorithm>
#include <cmath>
#include <string>

#include <opencv2/core.hpp>

#include "nn/core/shown_text.h"
#include "pipeline/tasks/task_result.h"
#include "pipeline/text/text_painter.h"
#include "sinks/fit_image.h"

namespace zoo::apps {
namespace {

const cv::Size kTile{640, 360};
constexpr int kLetters = 14;  ///< pixels of a capital letter
constexpr int kMargin = 8;

/// Black on white on whatever the picture holds there.
void write_name(cv::Mat& image, const std::string& name) {
  const pipeline::TextLine line{
      .text = printable(name), .height = kLetters, .limit = std::max(1, image.cols - 4 * kMargin)};
  pipeline::TextPainter& painter = pipeline::text_painter();
  const cv::Size box(painter.width(line) + 2 * kMargin, kLetters + 2 * kMargin);
  const cv::Rect place = cv::Rect({0, image.rows - box.height}, box) & cv::Rect({0, 0}, image.size());
  image(place).setTo(cv::Scalar::all(255));
  painter.draw(image, line, {kMargin, image.rows - kMargin}, {0, 0, 0});
}

}  // namespace

LiveWindow::LiveWindow(std::shared_ptr<const serve::NewestFrames> frames)
    : frames_(std::move(frames)), window_("backbone-zoo live") {}

LiveWindow::Wish LiveWindow::update(std::span<const streams::StreamSnapshot> streams) {
  uint64_t numbers = 0;
  for (const streams::StreamSnapshot& stream : streams) numbers += frames_->number(stream.stream);
  if (numbers == 0) return Wish::kNone;  // there is no window before there is something to show
  if (std::exchange(shown_, numbers) != numbers) window_.present(picture(streams));
  const std::optional<int> key = window_.key();
  if (!key) return Wish::kEnd;
  return *key == 'r' ? Wish::kReload : Wish::kNone;
}

cv::Mat LiveWindow::tile(const streams::StreamSnapshot& stream, cv::Size size) const {
  const auto newest = frames_->newest(stream.stream);
  if (!newest) return {};
  cv::Mat image = newest->item.frame.image.clone();
  pipeline::draw_result(image, newest->item.result);
  if (!size.empty()) image = sinks::fit_image(image, size);
  write_name(image, stream.name);
  return image;
}

cv::Mat LiveWindow::picture(std::span<const streams::StreamSnapshot> streams) const {
  if (streams.size() == 1) return tile(streams.front(), {});
  const int columns = static_cast<int>(std::ceil(std::sqrt(static_cast<double>(streams.size()))));
  const int rows = (static_cast<int>(streams.size()) + columns - 1) / columns;
  cv::Mat all(rows * kTile.height, columns * kTile.width, CV_8UC3, cv::Scalar::all(0));
  for (size_t i = 0; i < streams.size(); ++i) {
    const cv::Point place(static_cast<int>(i) % columns * kTile.width, static_cast<int>(i) / columns * kTile.height);
    const cv::Mat image = tile(streams[i], kTile);
    if (!image.empty()) image.copyTo(all(cv::Rect(place, kTile)));
  }
  return all;
}

}  // namespace zoo::apps
