// A line of text as pixels, kept for the frames to come.
#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include <opencv2/core/mat.hpp>

#include "pipeline/text/text_painter.h"

namespace zoo::pipeline {

/// What a line looks like, whatever its colour.
struct TextPiece {
  cv::Mat cover;     ///< 8 bit: how much of a pixel the letters cover
  cv::Mat coloured;  ///< 8 bit BGRA, premultiplied: characters with colours of their own (emoji); mostly empty
  cv::Point offset;  ///< from the left end of the baseline to the upper left pixel
  int width = 0;     ///< see TextPainter::width

  size_t bytes() const;
};

/// Lays a piece over an image (8-bit BGR); what lies outside is left out.
void blend(cv::Mat& image, const TextPiece& piece, cv::Point at, const Rgb& color);

/// The pieces used last, up to kMaxBytes. Not thread-safe.
class TextPieces {
 public:
  /// Those of a hundred lines in a picture of 4000x3000.
  static constexpr size_t kMaxBytes = size_t{32} << 20;

  /// The piece of a line, null if it is not there; valid until the next add().
  const TextPiece* find(const TextLine& line);
  const TextPiece& add(const TextLine& line, TextPiece piece);
  size_t bytes() const { return bytes_; }

 private:
  using Key = std::tuple<std::string, int, int>;
  using Entries = std::list<std::pair<Key, TextPiece>>;
  static Key key_of(const TextLine& line) { return {line.text, line.height, line.limit}; }

  Entries entries_;  ///< last used first
  std::map<Key, Entries::iterator> places_;
  size_t bytes_ = 0;
};

}  // namespace zoo::pipeline
