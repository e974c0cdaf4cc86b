#include "pipeline/video/ffmpeg/picture_encoder.h"

#include <cmath>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <opencv2/core.hpp>

#include "pipeline/video/ffmpeg/av_error.h"

extern "C" {
#include <libavutil/opt.h>
}

namespace zoo::ffmpeg {
namespace {

/// How far apart the pictures are at most that a player can jump to.
constexpr int kKeyDistance = 250;
constexpr int64_t kKeyDistanceSeconds = 5;
/// From this height on pictures are taken for high definition, as all players do where nothing is said.
constexpr int kHdHeight = 720;
/// Costs no more than one, and keeps up with cameras of 1080p where one does not (docs/predict.md).
constexpr int kThreads = 2;

void check(int result, std::string_view what) {
  if (result < 0) throw Error(fmt::format("{}: {}", what, error_text(result)));
}

void set_colors(AVCodecContext& codec) {
  const bool is_jpeg = codec.pix_fmt == AV_PIX_FMT_YUVJ420P;
  const bool is_hd = codec.height >= kHdHeight && !is_jpeg;
  codec.colorspace = is_hd ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
  codec.color_primaries = is_hd ? AVCOL_PRI_BT709 : AVCOL_PRI_SMPTE170M;
  codec.color_trc = is_hd ? AVCOL_TRC_BT709 : AVCOL_TRC_SMPTE170M;
  codec.color_range = is_jpeg ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
}

cv::Size size_for(const EncoderChoice& choice, cv::Size size) {
  return choice.even_size ? cv::Size(size.width + size.width % 2, size.height + size.height % 2) : size;
}

CodecPtr open_codec(const EncoderChoice& choice, const PictureFormat& format) {
  const cv::Size size = size_for(choice, format.size);
  const AVCodec* encoder = avcodec_find_encoder_by_name(choice.encoder.c_str());
  CodecPtr codec = owned<CodecPtr>(avcodec_alloc_context3(encoder));
  codec->width = size.width;
  codec->height = size.height;
  codec->pix_fmt = choice.format;
  codec->time_base = {1, choice.ticks_per_s};
  codec->sample_aspect_ratio = {format.pixel_aspect.width, format.pixel_aspect.height};
  codec->framerate = av_d2q(format.fps, choice.ticks_per_s);
  codec->gop_size = kKeyDistance;
  codec->max_b_frames = 0;  // so that every packet can be written as soon as it is there, whatever the times
  codec->thread_count = kThreads;
  codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;  // as MP4 wants it
  set_colors(*codec);
  if (choice.quantizer > 0) {
    codec->flags |= AV_CODEC_FLAG_QSCALE;
    codec->global_quality = FF_QP2LAMBDA * choice.quantizer;
  }
  if (choice.bits_per_pixel > 0.0) codec->bit_rate = std::llround(choice.bits_per_pixel * size.area() * format.fps);
  Options options;
  for (const auto& [name, value] : choice.options) options.set(name.c_str(), value);
  check(avcodec_open2(codec.get(), encoder, options.address()), choice.encoder);
  return codec;
}

ScalerPtr make_scaler(const AVCodecContext& codec) {
  auto scaler = owned<ScalerPtr>(sws_getContext(codec.width, codec.height, AV_PIX_FMT_BGR24, codec.width, codec.height,
                                                codec.pix_fmt, SWS_BILINEAR, nullptr, nullptr, nullptr));
  const int* matrix = sws_getCoefficients(codec.colorspace == AVCOL_SPC_BT709 ? SWS_CS_ITU709 : SWS_CS_ITU601);
  constexpr int kOne = 1 << 16;
  sws_setColorspaceDetails(scaler.get(), sws_getCoefficients(SWS_CS_DEFAULT), 1, matrix,
                           codec.color_range == AVCOL_RANGE_JPEG ? 1 : 0, 0, kOne, kOne);
  return scaler;
}

FramePtr make_picture(const AVCodecContext& codec) {
  FramePtr frame = make_frame();
  frame->format = codec.pix_fmt;
  frame->width = codec.width;
  frame->height = codec.height;
  frame->colorspace = codec.colorspace;
  frame->color_primaries = codec.color_primaries;
  frame->color_trc = codec.color_trc;
  frame->color_range = codec.color_range;
  check(av_frame_get_buffer(frame.get(), 0), "a picture for the encoder");
  return frame;
}

}  // namespace

PictureEncoder::PictureEncoder(const EncoderChoice& choice, const PictureFormat& format)
    : codec_(open_codec(choice, format)),
      scaler_(make_scaler(*codec_)),
      padded_(codec_->height + 1, codec_->width, CV_8UC3),
      frame_(make_picture(*codec_)) {}

void PictureEncoder::send(const cv::Mat& image, int64_t ticks) {
  cv::Mat padded = padded_.rowRange(0, codec_->height);
  cv::copyMakeBorder(image, padded, 0, codec_->height - image.rows, 0, codec_->width - image.cols,
                     cv::BORDER_REPLICATE);
  check(av_frame_make_writable(frame_.get()), "a picture for the encoder");
  const uint8_t* const source[] = {padded.data};
  const int steps[] = {static_cast<int>(padded.step)};
  sws_scale(scaler_.get(), source, steps, 0, padded.rows, frame_->data, frame_->linesize);
  send_again(ticks);
}

void PictureEncoder::send_again(int64_t ticks) {
  const int64_t distance = kKeyDistanceSeconds * codec_->time_base.den;
  const bool is_key = !last_key_ || ticks - *last_key_ >= distance;
  if (is_key) last_key_ = ticks;
  frame_->pict_type = is_key ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
  frame_->pts = ticks;
  check(avcodec_send_frame(codec_.get(), frame_.get()), codec_->codec->name);
}

void PictureEncoder::send_end() { check(avcodec_send_frame(codec_.get(), nullptr), codec_->codec->name); }

bool PictureEncoder::receive(AVPacket& packet) {
  const int result = avcodec_receive_packet(codec_.get(), &packet);
  if (result == AVERROR(EAGAIN) || result == AVERROR_EOF) return false;
  check(result, codec_->codec->name);
  return true;
}

}  // namespace zoo::ffmpeg
