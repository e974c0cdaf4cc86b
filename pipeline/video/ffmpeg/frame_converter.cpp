#include "pipeline/video/ffmpeg/frame_converter.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <opencv2/core.hpp>

extern "C" {
#include <libavutil/display.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
}

namespace zoo::ffmpeg {
namespace {

/// libswscale's vector code writes whole groups of pixels.
constexpr int kRowPixels = 64;

// What the scale filter of `ffmpeg` makes of a frame's tag: BT.601 where there is none, or one that libswscale has no
// coefficients for.
int known_matrix(AVColorSpace tag) {
  switch (tag) {
    case AVCOL_SPC_BT709:
    case AVCOL_SPC_FCC:
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
    case AVCOL_SPC_SMPTE240M:
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
      return tag;
    default:
      return AVCOL_SPC_BT470BG;
  }
}

std::optional<DisplayMatrix> matrix_of(const AVFrame& frame) {
  const AVFrameSideData* data = av_frame_get_side_data(&frame, AV_FRAME_DATA_DISPLAYMATRIX);
  if (data == nullptr || static_cast<size_t>(data->size) < sizeof(DisplayMatrix)) return std::nullopt;
  DisplayMatrix matrix;
  std::copy_n(reinterpret_cast<const int32_t*>(data->data), matrix.size(), matrix.begin());
  return matrix;
}

}  // namespace

cv::Mat FrameConverter::convert(const AVFrame& frame, const std::optional<DisplayMatrix>& stream_matrix) {
  const Layout layout{frame.width, frame.height, frame.format, known_matrix(frame.colorspace), frame.color_range};
  if (!scaler_ || layout != layout_) make_scaler(layout);
  const int row = (frame.width + kRowPixels - 1) / kRowPixels * kRowPixels;
  cv::Mat image(frame.height, frame.width, CV_8UC3);
  if (row != frame.width) wide_.create(frame.height, row, CV_8UC3);
  const cv::Mat& dst = row == frame.width ? image : wide_;
  const std::array<uint8_t*, 4> planes = {dst.data};
  const std::array<int, 4> strides = {static_cast<int>(dst.step)};
  if (sws_scale(scaler_.get(), frame.data, frame.linesize, 0, frame.height, planes.data(), strides.data()) < 0) {
    throw IoError("libswscale cannot convert a frame");
  }
  if (row != frame.width) wide_.colRange(0, frame.width).copyTo(image);
  const std::optional<DisplayMatrix> own = matrix_of(frame);
  const std::optional<DisplayMatrix>& matrix = own ? own : stream_matrix;
  return matrix ? upright(image, *matrix) : image;
}

// As `ffmpeg` sets up its scale filter: bicubic, the place of chroma samples as in MPEG-2.
void FrameConverter::make_scaler(const Layout& layout) {
  const auto format = static_cast<AVPixelFormat>(layout.format);
  if (sws_isSupportedInput(format) == 0) {
    const char* name = av_get_pix_fmt_name(format);
    throw IoError(fmt::format("libswscale cannot read the pixel format {}", name == nullptr ? "?" : name));
  }
  scaler_ = owned<ScalerPtr>(sws_alloc_context());
  SwsContext* const scaler = scaler_.get();
  av_opt_set_int(scaler, "srcw", layout.width, 0);
  av_opt_set_int(scaler, "srch", layout.height, 0);
  av_opt_set_int(scaler, "src_format", layout.format, 0);
  av_opt_set_int(scaler, "dstw", layout.width, 0);
  av_opt_set_int(scaler, "dsth", layout.height, 0);
  av_opt_set_int(scaler, "dst_format", AV_PIX_FMT_BGR24, 0);
  av_opt_set_int(scaler, "sws_flags", SWS_BICUBIC, 0);
  if (format == AV_PIX_FMT_YUV420P) av_opt_set_int(scaler, "src_v_chr_pos", 128, 0);
  if (sws_init_context(scaler, nullptr, nullptr) < 0) {
    scaler_.reset();
    throw IoError(fmt::format("libswscale cannot convert frames of {}x{} pixels", layout.width, layout.height));
  }
  int* inverse = nullptr;
  int* table = nullptr;
  int src_full = 0;
  int dst_full = 0;
  int brightness = 0;
  int contrast = 0;
  int saturation = 0;
  // Formats without colour differences (RGB) have nothing to set.
  if (sws_getColorspaceDetails(scaler, &inverse, &src_full, &table, &dst_full, &brightness, &contrast, &saturation) >=
      0) {
    if (layout.range != AVCOL_RANGE_UNSPECIFIED) src_full = layout.range == AVCOL_RANGE_JPEG ? 1 : 0;
    const int* const coefficients = sws_getCoefficients(layout.matrix);
    sws_setColorspaceDetails(scaler, coefficients, src_full, coefficients, dst_full, brightness, contrast, saturation);
  }
  layout_ = layout;
}

namespace {

/// Clockwise, 0 to 3; nothing for another angle.
std::optional<int> quarter_turns(const DisplayMatrix& matrix) {
  const double angle = av_display_rotation_get(matrix.data());
  if (std::isnan(angle)) return std::nullopt;
  const auto quarters = static_cast<int>(std::lround(-angle / 90.0));
  if (std::abs(-angle - 90.0 * quarters) > 1.0) return std::nullopt;
  return (quarters % 4 + 4) % 4;
}

}  // namespace

bool swaps_sides(const DisplayMatrix& matrix) { return quarter_turns(matrix).value_or(0) % 2 == 1; }

cv::Mat upright(const cv::Mat& image, const DisplayMatrix& matrix) {
  const std::optional<int> turns = quarter_turns(matrix);
  if (!turns) return image;
  cv::Mat result;
  switch (*turns) {
    case 1:
      if (matrix[3] > 0) {
        cv::transpose(image, result);
      } else {
        cv::rotate(image, result, cv::ROTATE_90_CLOCKWISE);
      }
      return result;
    case 2:
      if (matrix[0] < 0 && matrix[4] < 0) {
        cv::rotate(image, result, cv::ROTATE_180);
      } else {
        cv::flip(image, result, matrix[0] < 0 ? 1 : 0);
      }
      return result;
    case 3:
      if (matrix[3] < 0) {
        cv::transpose(image, result);
        cv::rotate(result, result, cv::ROTATE_180);
      } else {
        cv::rotate(image, result, cv::ROTATE_90_COUNTERCLOCKWISE);
      }
      return result;
    default:
      if (matrix[4] >= 0) return image;
      cv::flip(image, result, 0);
      return result;
  }
}

}  // namespace zoo::ffmpeg
