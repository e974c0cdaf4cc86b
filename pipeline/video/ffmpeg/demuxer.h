// Containers: from bytes to the packets of the video.
#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "pipeline/video/ffmpeg/av_ptr.h"
#include "pipeline/video/ffmpeg/damage_log.h"
#include "pipeline/video/ffmpeg/ffmpeg.h"
#include "pipeline/video/ffmpeg/frame_converter.h"
#include "pipeline/video/ffmpeg/interrupt.h"
#include "pipeline/video/ffmpeg/loss_error.h"
#include "pipeline/video/ffmpeg/pipe_input.h"

namespace zoo::ffmpeg {

/// Where libav reads from. Members in the order in which they need each other.
struct Opening {
  explicit Opening(const ReadOptions& options) : interrupt(options.stop) {}

  Interrupt interrupt;
  std::unique_ptr<PipeInput> pipe;
  IoPtr io;  ///< null for pipes, and for protocols that are demuxers, too (RTSP)
};

/// Whether this error is the end of what said no length. HTTP knows no other end for that but the connection's, which
/// libav takes for a broken one.
bool is_end_without_length(int error, AVIOContext& io);

/// Nothing but sound, by a content that is unmistakable.
class OnlySound : public LossError {
 public:
  using LossError::LossError;
};

/// An opened container, of which only the video's packets are read.
class Demuxer {
 public:
  /// Throws IoError for what is no video, OnlySound where that is why.
  Demuxer(const Input& input, const ReadOptions& options, std::unique_ptr<Opening> opening);

  Interrupt& interrupt() const { return opening_->interrupt; }
  const AVStream& video() const { return *video_; }
  VideoInfo info() const;
  /// How many frames there are, where the container has a list of them.
  std::optional<int64_t> listed_frames() const;
  std::optional<DisplayMatrix> display_matrix() const;
  /// Whether recordings that begin anywhere are usual (MPEG-TS): what their decoder lacks at first is no damage.
  bool begins_anywhere() const;
  /// Seconds since the container's start.
  std::optional<double> seconds(int64_t stamp) const;
  double tick_s() const { return av_q2d(video_->time_base); }
  /// After how many seconds the container's clock is back at 0; 0: never.
  double period_s() const { return video_->pts_wrap_bits < 63 ? std::ldexp(tick_s(), video_->pts_wrap_bits) : 0.0; }

  /// The next packet of the video: 0, AVERROR_EOF at the end, another error. Damaged parts are skipped, up to 64 in a
  /// row.
  int read(AVPacket& packet);
  /// Whether a packet ends too early by what the container says of it.
  bool is_cut(const AVPacket& packet) const;
  /// Whether the last packet that was read lacks its end, where the container says nothing of lengths (motion JPEG).
  bool ends_in_packet() const { return ends_in_packet_; }
  /// Whether the container met errors that a whole file does not have; some are harmless.
  bool met_damage() const { return log_.lines() > 0; }
  /// Ogg: recordings follow one another, each with headers of its own, which threads that decode do not take; and every
  /// error is damage.
  bool is_ogg() const;
  bool is_gif() const;

 private:
  bool may_go_on();
  void choose_video(const Input& input, int sureness);
  int end_of(int error) const;
  PixelAspect pixel_aspect() const;

  std::unique_ptr<Opening> opening_;
  DamageLog log_;
  InputPtr container_;
  AVStream* video_ = nullptr;
  bool live_ = false;
  bool is_raw_jpeg_ = false;
  bool ends_in_packet_ = false;
  int64_t first_stamp_us_ = 0;
};

/// Opens a file or an address for reading bytes; of addresses whose protocol is a demuxer's affair only the interrupt.
/// Throws IoError.
std::unique_ptr<Opening> open_bytes(const Input& input, const ReadOptions& options);

}  // namespace zoo::ffmpeg
