#include "pipeline/video/ffmpeg/sound_copy.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "nn/core/shown_text.h"
#include "pipeline/video/ffmpeg/av_error.h"

namespace zoo::ffmpeg {
namespace {

int64_t time_of(const AVPacket& packet) { return packet.pts != AV_NOPTS_VALUE ? packet.pts : packet.dts; }

}  // namespace

SoundCopy::SoundCopy(const std::filesystem::path& file, Mp4File& to, const std::string& name, OnNote on_note)
    : file_(printable(file.string())), name_(name), to_(to), on_note_(std::move(on_note)), packet_(make_packet()) {
  open(file);
  if (!input_) return;
  if (input_->start_time != AV_NOPTS_VALUE) start_s_ = static_cast<double>(input_->start_time) / AV_TIME_BASE;
  find_end();
  add_streams();
}

void SoundCopy::open(const std::filesystem::path& file) {
  Options options;
  options.set("protocol_whitelist", "file");  // what a playlist names stays unread
  AVFormatContext* input = nullptr;
  int result = avformat_open_input(&input, ("file:" + file.string()).c_str(), nullptr, options.address());
  if (result >= 0) {
    input_.reset(input);
    result = avformat_find_stream_info(input, nullptr);
  }
  if (result >= 0) return;
  input_.reset();
  on_note_(fmt::format("{}: has no sound: {} could not be opened a second time: {}", name_, file_, error_text(result)));
}

void SoundCopy::find_end() {
  const bool guessed = input_->duration_estimation_method == AVFMT_DURATION_FROM_BITRATE;
  if (!guessed && input_->duration != AV_NOPTS_VALUE) {
    pictures_end_s_ = static_cast<double>(input_->duration) / AV_TIME_BASE;
  }
  const int number = av_find_best_stream(input_.get(), AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
  if (number < 0) return;
  const AVStream& pictures = *input_->streams[number];
  if (pictures.duration == AV_NOPTS_VALUE || pictures.start_time == AV_NOPTS_VALUE) return;
  pictures_end_s_ =
      static_cast<double>(pictures.start_time + pictures.duration) * av_q2d(pictures.time_base) - start_s_;
}

void SoundCopy::add_streams() {
  for (unsigned i = 0; i < input_->nb_streams; ++i) {
    AVStream& source = *input_->streams[i];
    source.discard = AVDISCARD_ALL;
    if (source.codecpar->codec_type != AVMEDIA_TYPE_AUDIO) continue;
    if (!mp4_takes(source.codecpar->codec_id)) {
      on_note_(
          fmt::format("{0}: is without the sound of {1}, as MP4 does not take {2}; `ffmpeg -i {0} -i {1} -map 0 "
                      "-map 1:a -c copy whole.mkv` puts both into one file",
                      name_, file_, avcodec_get_name(source.codecpar->codec_id)));
      continue;
    }
    AVStream& target = to_.add_stream();
    if (avcodec_parameters_copy(target.codecpar, source.codecpar) < 0) throw EngineError("FFmpeg: no memory");
    target.codecpar->codec_tag = 0;  // of the container it comes from
    target.time_base = {1, std::max(1, source.codecpar->sample_rate)};
    av_dict_copy(&target.metadata, source.metadata, 0);
    source.discard = AVDISCARD_DEFAULT;
    streams_.push_back({source.index, source.time_base, &target, make_unwrap(source)});
  }
}

// In streams made for broadcasting each packet of AAC has a header (ADTS). The filter leaves others as they are.
SoundCopy::FilterPtr SoundCopy::make_unwrap(const AVStream& source) {
  if (source.codecpar->codec_id != AV_CODEC_ID_AAC || source.codecpar->extradata_size > 0) return nullptr;
  AVBSFContext* filter = nullptr;
  if (av_bsf_alloc(av_bsf_get_by_name("aac_adtstoasc"), &filter) < 0) throw EngineError("FFmpeg: no memory");
  FilterPtr unwrap(filter);
  filter->time_base_in = source.time_base;
  if (avcodec_parameters_copy(filter->par_in, source.codecpar) < 0 || av_bsf_init(filter) < 0) {
    throw EngineError("FFmpeg: no memory");
  }
  return unwrap;
}

bool SoundCopy::unwrap(Stream& stream) {
  if (!stream.unwrap) return true;
  int result = av_bsf_send_packet(stream.unwrap.get(), packet_.get());
  if (result >= 0) result = av_bsf_receive_packet(stream.unwrap.get(), packet_.get());
  if (result >= 0) return true;
  av_packet_unref(packet_.get());
  note_damage(error_text(result));
  return false;
}

void SoundCopy::note_damage(const std::string& problem) {
  if (std::exchange(damage_noted_, true)) return;
  on_note_(fmt::format("{}: some of its sound is missing: {}: {}", name_, file_, problem));
}

void SoundCopy::copy_until(double end_s, double origin_s) {
  while (has_sound()) {
    if (!has_packet_) read();
    if (!has_packet_) return;
    Stream& stream = *stream_of(*packet_);
    const int64_t time = time_of(*packet_);
    if (time != AV_NOPTS_VALUE && static_cast<double>(time) * av_q2d(stream.source_base) - start_s_ >= end_s) return;
    has_packet_ = false;
    if (unwrap(stream)) write(stream, origin_s);
  }
}

void SoundCopy::read() {
  while (input_) {
    const int result = av_read_frame(input_.get(), packet_.get());
    if (result < 0) {
      if (result != AVERROR_EOF) {
        on_note_(fmt::format("{}: its sound ends early: {}: {}", name_, file_, error_text(result)));
      }
      input_.reset();
      return;
    }
    // An edit list hides what is to be discarded.
    has_packet_ = stream_of(*packet_) != nullptr && (packet_->flags & AV_PKT_FLAG_DISCARD) == 0;
    if (has_packet_) return;
    av_packet_unref(packet_.get());
  }
}

SoundCopy::Stream* SoundCopy::stream_of(const AVPacket& packet) {
  const auto found = std::ranges::find(streams_, packet.stream_index, &Stream::source);
  return found == streams_.end() ? nullptr : &*found;
}

void SoundCopy::write(Stream& stream, double origin_s) {
  AVPacket& packet = *packet_;
  av_packet_rescale_ts(&packet, stream.source_base, stream.target->time_base);
  const int64_t origin = std::llround((start_s_ + origin_s) / av_q2d(stream.target->time_base));
  const int64_t time = time_of(packet);
  packet.dts = std::max(time == AV_NOPTS_VALUE ? stream.next : time - origin, stream.next);
  if (packet.dts == INT64_MIN) packet.dts = 0;
  constexpr int64_t kLongestPause = int64_t{1} << 30;  // from packet to packet MP4 has 31 bits
  if (stream.next != INT64_MIN && packet.dts - stream.next >= kLongestPause) {
    av_packet_unref(&packet);
    note_damage("a pause of hours, longer than MP4 holds");
    return;
  }
  packet.pts = packet.dts;  // sound is decoded in the order in which it is played
  packet.stream_index = stream.target->index;
  packet.pos = -1;
  stream.next = packet.dts + std::max<int64_t>(packet.duration, 1);
  if (!to_.write_if_taken(packet)) note_damage("a packet is none of its codec");
}

}  // namespace zoo::ffmpeg
