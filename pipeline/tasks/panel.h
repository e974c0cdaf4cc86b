// What the drawings of all tasks share: sizes of text, and the darkened panel in the corner. Internal to
// pipeline/tasks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <opencv2/core/mat.hpp>

#include "pipeline/images/palette.h"
#include "pipeline/text/text_painter.h"

namespace zoo::pipeline {

inline constexpr Rgb kWhite{255, 255, 255};
inline constexpr Rgb kBlack{0, 0, 0};

/// Pixels that follow from the picture's size and from what is written.
struct TextSizes {
  int height = 0;        ///< of a capital letter
  int least_height = 0;  ///< in which the text can still be read
  int line = 0;          ///< from one baseline to the next
  int margin = 0;        ///< around text
  bool compact = false;  ///< so small a picture that only the most important is written
};

/// `intricate`: see is_intricate in font_packages.h.
TextSizes text_sizes(const cv::Size& image, bool intricate);
/// The same with text of another height.
TextSizes with_height(TextSizes sizes, int height);

/// Whether there can be any text at all.
bool has_room_for_text(const cv::Mat& image);

/// A label as it is drawn: one line, nothing that acts, not endless.
std::string label_text(const std::string& label);
/// Whether small letters will not do (is_intricate).
bool is_intricate_text(const std::string& text);

/// Black or white, whichever is seen better on a colour.
Rgb text_color_on(const Rgb& color);
cv::Scalar scalar(const Rgb& color);

/// A number is drawn digit by digit: it changes from frame to frame, its digits are kept (TextPieces).
int number_width(const std::string& number, const TextSizes& sizes);
void draw_number(cv::Mat& image, const std::string& number, cv::Point at, const TextSizes& sizes, const Rgb& color);

/// Darkens the upper left corner with room for so many lines of text of this width; yields that part of the image.
cv::Mat darkened_corner(cv::Mat& image, const TextSizes& sizes, int text_width, int lines);
/// Of line 0, 1, ... in a panel.
int baseline_of(const TextSizes& sizes, int line);
/// Lines that a panel may have so as to leave most of the picture free; at least one.
int lines_of_panel(const cv::Mat& image, const TextSizes& sizes);

}  // namespace zoo::pipeline
