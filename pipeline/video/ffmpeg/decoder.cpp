#include "pipeline/video/ffmpeg/decoder.h"

#include <array>
#include <string_view>

#include <fmt/format.h>

#include "pipeline/video/ffmpeg/av_error.h"
#include "pipeline/video/ffmpeg/loss_error.h"

namespace zoo::ffmpeg {
namespace {

/// The limit of pictures, too (ImageReadOptions).
constexpr int64_t kMaxPixels = 89'478'485;

/// Errors that decoders only log: they yield the frame all the same, unmarked. Other lines are no sign of damage, e.g.
/// those about a camera's odd headers.
constexpr std::array<std::string_view, 6> kDamage = {
    "error count: ",
    "error y=",  // MJPEG
    "error dc",
    "mjpeg_decode_dc: bad vlc: ",    // MJPEG
    "LZW decode failed",             // GIF
    "Could not find ref with POC ",  // HEVC
};

}  // namespace

Decoder::Decoder(const AVStream& stream, int threads, const std::string& name) : log_(kDamage) {
  const AVCodecParameters& parameters = *stream.codecpar;
  const AVCodec* const codec = avcodec_find_decoder(parameters.codec_id);
  if (codec == nullptr) {
    const char* const codec_name = avcodec_get_name(parameters.codec_id);
    throw LossError(
        LossCause::kCodec,
        fmt::format("{}: this FFmpeg has no decoder for its codec {}; `ffmpeg -decoders` lists those that it has", name,
                    codec_name));
  }
  context_ = owned<CodecPtr>(avcodec_alloc_context3(codec));
  log_.watch(*context_);
  context_->pkt_timebase = stream.time_base;
  context_->thread_count = threads;
  context_->max_pixels = kMaxPixels;
  int error = avcodec_parameters_to_context(context_.get(), &parameters);
  if (error >= 0) error = avcodec_open2(context_.get(), codec, nullptr);
  if (error < 0) {
    throw LossError(LossCause::kCodec,
                    fmt::format("{}: the decoder {} cannot begin ({})", name, codec->name, error_text(error)));
  }
}

bool is_damaged(const AVFrame& frame) {
  // Missing references alone are usual where a stream is joined.
  constexpr int kFlags = FF_DECODE_ERROR_INVALID_BITSTREAM | FF_DECODE_ERROR_CONCEALMENT_ACTIVE;
  return (frame.decode_error_flags & kFlags) != 0;
}

int64_t duration_of(const AVFrame& frame) {
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)
  return frame.duration;
#else
  return frame.pkt_duration;
#endif
}

}  // namespace zoo::ffmpeg
