#include "pipeline/video/ffmpeg/ffmpeg_module.h"
#include "pipeline/video/ffmpeg/libav_entries.h"

extern "C" [[gnu::visibility("default")]] const zoo::ffmpeg::FfmpegModule* zoo_module_ffmpeg() {
  namespace libav = zoo::ffmpeg::libav;
  static constexpr zoo::ffmpeg::FfmpegModule kModule = {libav::open, libav::is_film, libav::open_video_encoder,
                                                        libav::write_without_fragments};
  return &kModule;
}
