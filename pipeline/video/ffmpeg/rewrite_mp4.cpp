#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "pipeline/video/ffmpeg/av_error.h"
#include "pipeline/video/ffmpeg/libav_entries.h"
#include "pipeline/video/ffmpeg/mp4_file.h"
#include "pipeline/video/ffmpeg/video_encoder.h"

namespace zoo::ffmpeg {
namespace {

/// The pictures' stream: VideoEncoder adds it first.
constexpr int kPictures = 0;

InputPtr open_file(const std::filesystem::path& file, const std::string& name) {
  AVFormatContext* input = nullptr;
  const int result = avformat_open_input(&input, ("file:" + file.string()).c_str(), nullptr, nullptr);
  if (result < 0) throw IoError(fmt::format("{}: reading failed: {}", name, error_text(result)));
  InputPtr opened(input);
  const bool has_sizes = input->nb_streams > kPictures && input->streams[kPictures]->codecpar->width > 0;
  if (!has_sizes) avformat_find_stream_info(input, nullptr);  // those of MPEG-4 stand in its packets
  return opened;
}

/// Copies the packets of all streams.
class PacketCopy {
 public:
  PacketCopy(AVFormatContext& from, Mp4File& to) : from_(from), to_(to) {}

  /// The result of av_read_frame that ended it.
  int run(double end_s) {
    int result = 0;
    while ((result = av_read_frame(&from_, packet_.get())) >= 0) {
      if (packet_->stream_index == kPictures) {
        write_held(packet_->dts);
        std::swap(packet_, held_);
        has_held_ = true;
      } else {
        write(*packet_);
      }
    }
    write_held(std::llround(end_s / av_q2d(from_.streams[kPictures]->time_base)));
    return result;
  }

 private:
  /// The reader does not know how long the last picture of a fragment is shown.
  void write_held(int64_t end) {
    if (!std::exchange(has_held_, false)) return;
    held_->duration = std::max<int64_t>(1, end - held_->dts);
    write(*held_);
  }

  void write(AVPacket& packet) {
    const int stream = packet.stream_index;
    av_packet_rescale_ts(&packet, from_.streams[stream]->time_base, to_.stream(stream).time_base);
    packet.pos = -1;
    to_.write(packet);
  }

  AVFormatContext& from_;
  Mp4File& to_;
  PacketPtr packet_ = make_packet();
  PacketPtr held_ = make_packet();  ///< of the pictures the last, until its duration is known
  bool has_held_ = false;
};

}  // namespace

void libav::write_without_fragments(const std::filesystem::path& from, const std::filesystem::path& to, double end_s,
                                    const std::string& name) {
  const InputPtr input = open_file(from, name);
  Mp4File output(to, name);
  for (unsigned i = 0; i < input->nb_streams; ++i) {
    const AVStream& source = *input->streams[i];
    AVStream& target = output.add_stream();
    if (avcodec_parameters_copy(target.codecpar, source.codecpar) < 0) throw EngineError("FFmpeg: no memory");
    target.time_base = source.time_base;
    target.avg_frame_rate = source.avg_frame_rate;
    target.sample_aspect_ratio = target.codecpar->sample_aspect_ratio = source.sample_aspect_ratio;
    av_dict_copy(&target.metadata, source.metadata, 0);
  }
  output.begin(Mp4Layout::kIndexFirst);
  const int result = PacketCopy(*input, output).run(end_s);
  if (result != AVERROR_EOF) throw IoError(fmt::format("{}: reading failed: {}", name, error_text(result)));
  output.finish();
}

}  // namespace zoo::ffmpeg
