// What libav says about errors, and that it says nothing else.
#pragma once

#include <string>

namespace zoo::ffmpeg {

/// FFmpeg's words for an error code, e.g. "Invalid data found when processing input".
std::string error_text(int error);

/// libav writes to standard error itself, addresses with their passwords included. To be called before each use of
/// libav: silences it unless the program has chosen a level (av_log_set_level) that is neither libav's default nor
/// OpenCV's. Thread-safe.
void silence_log();

}  // namespace zoo::ffmpeg
