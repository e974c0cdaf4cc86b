// Packets to frames.
#pragma once

#include <cstdint>
#include <string>

#include "pipeline/video/ffmpeg/av_ptr.h"
#include "pipeline/video/ffmpeg/damage_log.h"

namespace zoo::ffmpeg {

class Decoder {
 public:
  /// For the packets of a stream. Throws IoError (`name`: problem) where FFmpeg has no decoder.
  Decoder(const AVStream& stream, int threads, const std::string& name);

  /// 0, or the error that the packet caused; null: there are no more. To be called when receive() wants packets.
  int send(const AVPacket* packet) { return avcodec_send_packet(context_.get(), packet); }
  /// 0 with a frame, AVERROR(EAGAIN) when it wants packets, AVERROR_EOF at the end, or the error of a frame that is
  /// left out.
  int receive(AVFrame& frame) { return avcodec_receive_frame(context_.get(), &frame); }
  /// Whether some frames came from damaged data without saying so themselves (is_damaged).
  bool met_damage() const { return log_.lines() > 0; }

 private:
  DamageLog log_;
  CodecPtr context_;
};

/// Whether the decoder had to make up a part of the frame.
bool is_damaged(const AVFrame& frame);

/// How long the frame is shown, in ticks of its stream; 0: unknown.
int64_t duration_of(const AVFrame& frame);

}  // namespace zoo::ffmpeg
