#include "pipeline/video/ffmpeg/ffmpeg.h"

#include "pipeline/video/ffmpeg/ffmpeg_module.h"
#include "pipeline/video/ffmpeg/video_encoder.h"

namespace zoo::ffmpeg {

Opened open(const Input& input, const ReadOptions& options, const ContentCheck& check) {
  return ffmpeg_module().open(input, options, check);
}

bool is_film(const std::filesystem::path& file) { return ffmpeg_module().is_film(file); }

std::unique_ptr<VideoEncoder> open_video_encoder(const VideoEncoderOptions& options) {
  return ffmpeg_module().open_video_encoder(options);
}

void write_without_fragments(const std::filesystem::path& from, const std::filesystem::path& to, double end_s,
                             const std::string& name) {
  ffmpeg_module().write_without_fragments(from, to, end_s, name);
}

}  // namespace zoo::ffmpeg
