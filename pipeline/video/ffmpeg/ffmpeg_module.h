// FFmpeg's libraries as the face of a module (nn/core/module.h).
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "pipeline/video/ffmpeg/ffmpeg.h"
#include "pipeline/video/ffmpeg/video_encoder.h"

namespace zoo::ffmpeg {

/// The functions of these names.
struct FfmpegModule {
  Opened (*open)(const Input& input, const ReadOptions& options, const ContentCheck& check);
  bool (*is_film)(const std::filesystem::path& file);
  std::unique_ptr<VideoEncoder> (*open_video_encoder)(const VideoEncoderOptions& options);
  void (*write_without_fragments)(const std::filesystem::path& from, const std::filesystem::path& to, double end_s,
                                  const std::string& name);
};

/// Throws Error where the module cannot be loaded or is not in this build.
const FfmpegModule& ffmpeg_module();

}  // namespace zoo::ffmpeg
