#include "pipeline/video/ffmpeg/video_encoder.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "nn/core/counted.h"
#include "pipeline/video/ffmpeg/av_error.h"
#include "pipeline/video/ffmpeg/libav_entries.h"
#include "pipeline/video/ffmpeg/mp4_file.h"
#include "pipeline/video/ffmpeg/picture_encoder.h"
#include "pipeline/video/ffmpeg/sound_copy.h"
#include "pipeline/video/ffmpeg/ticks.h"

namespace zoo::ffmpeg {
namespace {

/// What sound encoders put in front, at most, which is decoded and not played.
constexpr double kPrimingSeconds = 0.1;
/// MP4's durations have 31 bits: 23,860 s at 90,000 ticks a second, the most of all encoders.
constexpr int64_t kLongestShownSeconds = 20'000;

struct OpenedEncoder {
  EncoderChoice choice;
  std::unique_ptr<PictureEncoder> encoder;
};

OpenedEncoder open_encoder(const VideoEncoderOptions& options) {
  const std::vector<EncoderChoice> choices = encoders_of(options.codec, has_encoder);
  std::string problems = choices.empty() ? no_encoder_text(options.codec) : "";
  for (const EncoderChoice& choice : choices) {
    try {
      return {choice,
              std::make_unique<PictureEncoder>(choice, PictureFormat{options.size, options.fps, options.pixel_aspect})};
    } catch (const Error& error) {
      problems += (problems.empty() ? "" : "; ") + std::string(error.what());
    }
  }
  throw IoError(
      fmt::format("{}: no video of {}x{} pixels can be written: {}; choose another codec (--codec mpeg4, "
                  "--codec mjpeg), or save pictures",
                  options.name, options.size.width, options.size.height, problems));
}

class Mp4Encoder : public VideoEncoder {
 public:
  Mp4Encoder(const VideoEncoderOptions& options, OpenedEncoder opened)
      : options_(options),
        encoder_(std::move(opened.encoder)),
        ticks_(opened.choice.ticks_per_s, std::max<int64_t>(1, std::llround(opened.choice.ticks_per_s / options.fps))),
        packet_(make_packet()),
        held_(make_packet()) {
    if (options_.codec == VideoCodec::kAuto && opened.choice.codec != VideoCodec::kH264) {
      note(fmt::format("{}: is MPEG-4 part 2, which browsers do not play: {}", options_.name,
                       no_encoder_text(VideoCodec::kH264)));
    }
    if (encoder_->size() != options_.size) {
      note(fmt::format(
          "{}: is {}x{} pixels: H.264 has even sizes only, so the last column or row is there twice "
          "(--codec mpeg4 keeps {}x{})",
          options_.name, encoder_->size().width, encoder_->size().height, options_.size.width, options_.size.height));
    }
    begin(options_.sound);
  }

  void write(const cv::Mat& image, double time_s, double duration_s) override {
    if (pictures_ == 0) {
      origin_s_ = sound_ && time_s > kPrimingSeconds ? 0.0 : time_s;
      ticks_.begin(origin_s_);
    }
    const int64_t before = ticks_.last();
    const int64_t ticks = ticks_.next(time_s);
    if (ticks_.leapt()) note_leap();
    if (pictures_ > 0) show_again(before, ticks);
    send([&] { encoder_->send(image, ticks); });
    duration_s_ = duration_s;
  }

  void source_ended() override { with_source_ = true; }

  void finish() override {
    const int64_t end = end_of_last();
    if (pictures_ > 0) show_again(ticks_.last(), end);
    explained([&] { encoder_->send_end(); });
    write_packets();
    if (has_held_) {
      end_s_ = static_cast<double>(end) * av_q2d(encoder_->codec().time_base);
      write_held(end);
    }
    if (with_source_ && sound_) sound_->copy_until(std::numeric_limits<double>::infinity(), origin_s_);
    file_->finish();
    if (written_ < pictures_) {
      throw IoError(fmt::format("{}: incomplete: holds {} of {}: the encoder lost some; try another (--codec mpeg4)",
                                options_.name, written_, counted(pictures_, "frame")));
    }
  }

  double end_s() const override { return end_s_; }

 private:
  void begin(const std::filesystem::path& sound) {
    sound_.reset();
    file_.emplace(options_.file, options_.name);
    stream_ = &file_->add_stream();
    stream_->time_base = encoder_->codec().time_base;
    stream_->avg_frame_rate = encoder_->codec().framerate;
    stream_->sample_aspect_ratio = encoder_->codec().sample_aspect_ratio;
    if (avcodec_parameters_from_context(stream_->codecpar, &encoder_->codec()) < 0) {
      throw EngineError("FFmpeg: no memory");
    }
    if (!sound.empty()) sound_.emplace(sound, *file_, options_.name, [this](const std::string& text) { note(text); });
    try {
      file_->begin(Mp4Layout::kFragments);
    } catch (const IoError& error) {
      if (!sound_ || !sound_->has_sound()) throw;
      note(fmt::format("{}; it is written without sound", error.what()));
      begin({});
    }
  }

  void note_leap() {
    if (std::exchange(leap_noted_, true)) return;
    note(fmt::format("{}: times leap by more than 30 days after frame {}; the video goes on without the gap",
                     options_.name, pictures_ - 1));
  }

  void note(const std::string& text) const {
    if (options_.on_note) options_.on_note(text);
  }

  template <typename Work>
  std::invoke_result_t<Work> explained(Work work) const {
    try {
      return work();
    } catch (const IoError&) {
      throw;
    } catch (const Error& error) {
      throw IoError(fmt::format("{}: the encoder gave up at frame {}: {}; try another (--codec mpeg4)", options_.name,
                                pictures_ - 1, error.what()));
    }
  }

  template <typename Send>
  void send(Send send_picture) {
    ++pictures_;
    explained(send_picture);
    write_packets();
  }

  /// A picture, shown from `begin` to `end`, as often as MP4 needs it beyond the first time.
  void show_again(int64_t begin, int64_t end) {
    const int64_t longest = kLongestShownSeconds * encoder_->codec().time_base.den;
    for (int64_t ticks = begin + longest; ticks < end; ticks += longest) {
      send([&] { encoder_->send_again(ticks); });
    }
  }

  int64_t end_of_last() const {
    const int per_s = encoder_->codec().time_base.den;
    const bool is_known = duration_s_ > 0.0 && duration_s_ <= Ticks::kLongestStepSeconds;
    const int64_t shown =
        is_known ? std::max<int64_t>(1, std::llround(duration_s_ * per_s)) : std::max<int64_t>(1, ticks_.distance());
    const int64_t end = ticks_.last() + shown;
    if (!with_source_ || !sound_ || !sound_->pictures_end_s()) return end;
    const int64_t stated = std::llround((*sound_->pictures_end_s() - origin_s_) * per_s);
    return stated > ticks_.last() ? std::min(end, stated) : end;
  }

  /// A packet is held back until the next says how long it lasts.
  void write_packets() {
    while (explained([&] { return encoder_->receive(*packet_); })) {
      if (has_held_) write_held(packet_->dts);
      std::swap(packet_, held_);
      has_held_ = true;
    }
  }

  void write_held(int64_t end) {
    const AVRational base = encoder_->codec().time_base;
    held_->duration = end - held_->dts;
    if (sound_) sound_->copy_until(origin_s_ + static_cast<double>(end) * av_q2d(base), origin_s_);
    av_packet_rescale_ts(held_.get(), base, stream_->time_base);
    held_->stream_index = stream_->index;
    file_->write(*held_);
    has_held_ = false;
    ++written_;
  }

  VideoEncoderOptions options_;
  std::unique_ptr<PictureEncoder> encoder_;
  std::optional<Mp4File> file_;
  AVStream* stream_ = nullptr;
  std::optional<SoundCopy> sound_;
  Ticks ticks_;
  double origin_s_ = 0.0;
  double end_s_ = 0.0;
  double duration_s_ = 0.0;  ///< of the last picture; 0: unknown
  PacketPtr packet_;
  PacketPtr held_;
  bool has_held_ = false;
  bool with_source_ = false;
  bool leap_noted_ = false;
  int64_t pictures_ = 0;
  int64_t written_ = 0;
};

}  // namespace

std::unique_ptr<VideoEncoder> libav::open_video_encoder(const VideoEncoderOptions& options) {
  silence_log();
  return std::make_unique<Mp4Encoder>(options, open_encoder(options));
}

}  // namespace zoo::ffmpeg
