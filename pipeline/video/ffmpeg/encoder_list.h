// Which of libavcodec's encoders write a codec.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/video/ffmpeg/av_ptr.h"
#include "pipeline/video/ffmpeg/video_codec.h"

namespace zoo::ffmpeg {

/// One of libavcodec's encoders, and what to ask of it.
struct EncoderChoice {
  std::string encoder;  ///< libavcodec's name of it
  VideoCodec codec = VideoCodec::kH264;
  AVPixelFormat format = AV_PIX_FMT_YUV420P;
  int ticks_per_s = 90'000;     ///< 1 / time base
  bool even_size = false;       ///< takes no odd width or height
  int quantizer = 0;            ///< constant quality, 1 (best) to 31; 0: see `options`
  double bits_per_pixel = 0.0;  ///< bit rate, where the encoder knows no constant quality
  std::vector<std::pair<std::string, std::string>> options = {};
};

/// The encoders for a codec, best first, and of them those that this FFmpeg has (`has`, by name).
std::vector<EncoderChoice> encoders_of(VideoCodec codec, const std::function<bool(const std::string& name)>& has);

/// Whether libavcodec was built with it.
bool has_encoder(const std::string& name);

/// What to say where a codec is wanted and there is none of its encoders.
std::string no_encoder_text(VideoCodec codec);

}  // namespace zoo::ffmpeg
