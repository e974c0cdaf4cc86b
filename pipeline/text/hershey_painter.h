// Text with the letters that OpenCV brings along.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "pipeline/text/text_painter.h"

namespace zoo::pipeline {

/// OpenCV's Hershey letters: ASCII, every other character is a '?'. Needs no library and no font.
class HersheyPainter final : public TextPainter {
 public:
  /// `remedy`: what to do for other characters.
  explicit HersheyPainter(std::string remedy) : remedy_(std::move(remedy)) {}

  int width(const TextLine& line) override;
  std::vector<std::string> broken(const TextLine& line) override;
  void draw(cv::Mat& image, const TextLine& line, cv::Point at, const Rgb& color) override;
  char32_t missing(const std::string& text) override;
  std::string remedy(char32_t /*missing*/) const override { return remedy_; }

 private:
  const std::string remedy_;
};

}  // namespace zoo::pipeline
