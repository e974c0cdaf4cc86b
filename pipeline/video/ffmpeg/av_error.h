// What libav says about errors, that it says nothing else, and how much memory it takes.
#pragma once

#include <string>

namespace zoo::ffmpeg {

/// FFmpeg's words for an error code, e.g. "Invalid data found when processing input".
std::string error_text(int error);

/// libav writes to standard error itself, addresses with their passwords included. To be called before each use of
/// libav: silences it unless the program has chosen a level (av_log_set_level) that is neither libav's default nor
/// OpenCV's. Thread-safe.
void silence_log();

/// libav allocates what a file claims to need, gigabytes for one of a kilobyte: from now on no more than 1 GiB at once,
/// which is more than the largest frame takes. To be called before reading. Thread-safe.
void limit_memory();

}  // namespace zoo::ffmpeg
