#include "pipeline/video/ffmpeg/av_error.h"

#include <array>
#include <cstddef>

extern "C" {
#include <libavutil/error.h>
#include <libavutil/log.h>
#include <libavutil/mem.h>
}

namespace zoo::ffmpeg {

std::string error_text(int error) {
  std::array<char, AV_ERROR_MAX_STRING_SIZE> text{};
  av_strerror(error, text.data(), text.size());
  return text.data();
}

void silence_log() {
  const int level = av_log_get_level();
  const bool chosen = level != AV_LOG_INFO && level != AV_LOG_ERROR;  // those of libav and of OpenCV
  if (!chosen) av_log_set_level(AV_LOG_QUIET);
}

void limit_memory() { av_max_alloc(size_t{1} << 30); }

}  // namespace zoo::ffmpeg
