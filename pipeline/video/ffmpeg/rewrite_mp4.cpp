#include <fmt/format.h>

#include "pipeline/video/ffmpeg/av_error.h"
#include "pipeline/video/ffmpeg/mp4_file.h"
#include "pipeline/video/ffmpeg/video_encoder.h"

namespace zoo::ffmpeg {
namespace {

InputPtr open_file(const std::filesystem::path& file, const std::string& name) {
  AVFormatContext* input = nullptr;
  const int result = avformat_open_input(&input, ("file:" + file.string()).c_str(), nullptr, nullptr);
  if (result < 0) throw IoError(fmt::format("{}: reading failed: {}", name, error_text(result)));
  return InputPtr(input);
}

}  // namespace

void write_without_fragments(const std::filesystem::path& from, const std::filesystem::path& to,
                             const std::string& name) {
  const InputPtr input = open_file(from, name);
  Mp4File output(to, name);
  for (unsigned i = 0; i < input->nb_streams; ++i) {
    const AVStream& source = *input->streams[i];
    AVStream& target = output.add_stream();
    if (avcodec_parameters_copy(target.codecpar, source.codecpar) < 0) throw EngineError("FFmpeg: no memory");
    target.time_base = source.time_base;
    target.avg_frame_rate = source.avg_frame_rate;
    av_dict_copy(&target.metadata, source.metadata, 0);
  }
  output.begin(Mp4Layout::kIndexFirst);
  const PacketPtr packet = make_packet();
  int result = 0;
  while ((result = av_read_frame(input.get(), packet.get())) >= 0) {
    const int stream = packet->stream_index;
    av_packet_rescale_ts(packet.get(), input->streams[stream]->time_base, output.stream(stream).time_base);
    packet->pos = -1;
    output.write(*packet);
  }
  if (result != AVERROR_EOF) throw IoError(fmt::format("{}: reading failed: {}", name, error_text(result)));
  output.finish();
}

}  // namespace zoo::ffmpeg
