// Pictures into the packets of a video stream.
#pragma once

#include <cstdint>
#include <optional>

#include <opencv2/core/mat.hpp>

#include "pipeline/video/ffmpeg/av_ptr.h"
#include "pipeline/video/ffmpeg/encoder_list.h"
#include "pipeline/video/ffmpeg/pixel_aspect.h"

namespace zoo::ffmpeg {

/// What pictures come.
struct PictureFormat {
  cv::Size size;
  double fps = 25.0;  ///< about
  PixelAspect pixel_aspect;
};

/// One of libavcodec's encoders at work. Packets come in the order of the pictures, some pictures later.
class PictureEncoder {
 public:
  /// Throws Error with FFmpeg's words where the encoder cannot be opened for this format.
  PictureEncoder(const EncoderChoice& choice, const PictureFormat& format);

  /// Of the pictures in the file: larger than what is written where the encoder takes no odd sizes.
  cv::Size size() const { return {codec_->width, codec_->height}; }
  const AVCodecContext& codec() const { return *codec_; }

  /// `ticks`: time in the codec's time base, ascending. Throws Error.
  void send(const cv::Mat& image, int64_t ticks);
  /// The last picture another time.
  void send_again(int64_t ticks);
  /// No more pictures come.
  void send_end();
  /// The next packet, if there is one. Throws Error.
  bool receive(AVPacket& packet);

 private:
  CodecPtr codec_;
  ScalerPtr scaler_;
  cv::Mat padded_;  ///< with a row more, as libswscale reads a few bytes past the last pixel
  FramePtr frame_;
  std::optional<int64_t> last_key_;
};

}  // namespace zoo::ffmpeg
