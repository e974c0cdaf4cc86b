// What ffmpeg.h and video_encoder.h promise, done with FFmpeg's libraries; reached through ffmpeg_module.h.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "pipeline/video/ffmpeg/ffmpeg.h"
#include "pipeline/video/ffmpeg/video_encoder.h"

namespace zoo::ffmpeg::libav {

Opened open(const Input& input, const ReadOptions& options, const ContentCheck& check);
bool is_film(const std::filesystem::path& file);
std::unique_ptr<VideoEncoder> open_video_encoder(const VideoEncoderOptions& options);
void write_without_fragments(const std::filesystem::path& from, const std::filesystem::path& to, double end_s,
                             const std::string& name);

}  // namespace zoo::ffmpeg::libav
