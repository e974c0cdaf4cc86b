// Why an input could not be opened or went away, for a person.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "pipeline/video/ffmpeg/ffmpeg.h"
#include "pipeline/video/ffmpeg/interrupt.h"

namespace zoo::ffmpeg {

/// Of an error code of libav while `input` was being opened; a complete message. `bytes`: so many had come.
std::string open_problem(int error, const Input& input, const Interrupt& interrupt, const ReadOptions& options,
                         int64_t bytes = 0);

/// "10 s", "1.5 s".
std::string seconds_text(std::chrono::milliseconds time);

}  // namespace zoo::ffmpeg
