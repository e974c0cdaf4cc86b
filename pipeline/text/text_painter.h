// Words in pictures, whoever draws the letters.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <opencv2/core/mat.hpp>

#include "pipeline/images/palette.h"

namespace zoo::pipeline {

/// One line of text, as it is set.
struct TextLine {
  std::string text;  ///< UTF-8 without control characters (printable() in nn/core/shown_text.h)
  int height = 0;    ///< pixels of a capital letter, at least 1
  int limit = 0;     ///< pixels, at least 1: of wider text the end is replaced by an ellipsis
};

/// Draws lines of text. Thread-safe.
class TextPainter {
 public:
  virtual ~TextPainter() = default;

  /// Pixels from the left end of a line to where the next word would start, an ellipsis included.
  virtual int width(const TextLine& line) = 0;
  /// The text in as many lines as its limit needs, broken between words where they fit. At least one.
  virtual std::vector<std::string> broken(const TextLine& line) = 0;
  /// `image`: 8-bit BGR. `at`: the left end of the baseline; what lies outside the image is left out.
  virtual void draw(cv::Mat& image, const TextLine& line, cv::Point at, const Rgb& color) = 0;

  /// The first character that it has no letter for, 0 if there is none.
  virtual char32_t missing(const std::string& text) = 0;
  /// What helps: "install Debian's fonts-noto-cjk".
  virtual std::string remedy(char32_t missing) const = 0;
};

/// The process's one painter, made at the first call (some 20 ms): Pango with the fonts of the system, any script, or
/// where the build or the system has none OpenCV's own letters, which are ASCII.
TextPainter& text_painter();

}  // namespace zoo::pipeline
