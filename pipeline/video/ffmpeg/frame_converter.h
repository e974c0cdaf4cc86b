// Decoded frames as pictures.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include <opencv2/core/mat.hpp>

#include "pipeline/video/ffmpeg/av_ptr.h"

namespace zoo::ffmpeg {

/// The nine numbers of a display matrix (ISO/IEC 14496-12, 8.3.2).
using DisplayMatrix = std::array<int32_t, 9>;

/// Converts each frame from what it is: size, pixel format, matrix and range may change from one to the next. Does what
/// the program `ffmpeg` does with `-pix_fmt bgr24`. One thread at a time.
class FrameConverter {
 public:
  /// 8-bit BGR, turned upright by the frame's own display matrix, else by `stream_matrix`. A new picture each time.
  /// Throws IoError (without the input's name) for a pixel format that libswscale does not read.
  cv::Mat convert(const AVFrame& frame, const std::optional<DisplayMatrix>& stream_matrix);

 private:
  /// What a scaler is made for.
  struct Layout {
    int width = 0;
    int height = 0;
    int format = AV_PIX_FMT_NONE;
    int matrix = 0;
    int range = 0;
    bool operator==(const Layout&) const = default;
  };

  void make_scaler(const Layout& layout);

  Layout layout_;
  ScalerPtr scaler_;
  cv::Mat wide_;  ///< for widths whose rows libswscale cannot write in place
};

/// Turns or flips as a display matrix says; angles between the quarters are left alone.
cv::Mat upright(const cv::Mat& image, const DisplayMatrix& matrix);
/// Whether that makes columns of rows.
bool swaps_sides(const DisplayMatrix& matrix);

}  // namespace zoo::ffmpeg
