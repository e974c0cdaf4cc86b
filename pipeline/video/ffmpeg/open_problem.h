// Why an input could not be opened or went away, for a person.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "pipeline/video/ffmpeg/ffmpeg.h"
#include "pipeline/video/ffmpeg/interrupt.h"
#include "pipeline/video/ffmpeg/loss_error.h"

namespace zoo::ffmpeg {

/// Of an error code of libav while `input` was being opened. `bytes`: so many had come.
LossError open_problem(int error, const Input& input, const Interrupt& interrupt, const ReadOptions& options,
                       int64_t bytes = 0);

/// Of an error code of libav while a stream was being read.
LossCause cause_of_read_error(int error);

/// "10 s", "1.5 s".
std::string seconds_text(std::chrono::milliseconds time);

}  // namespace zoo::ffmpeg
