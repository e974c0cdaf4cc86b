// Picture or video, by the first bytes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include "pipeline/video/ffmpeg/ffmpeg.h"

namespace zoo::pipeline {

/// Of the first bytes of something; `complete`: there are no more. What is no picture that read_image knows counts as
/// video; motion JPEG (several pictures one after the other) is one, too.
ffmpeg::Content content_of(std::span<const uint8_t> bytes, bool complete);

/// Whether the file begins as a picture does that read_image knows, whatever follows.
bool begins_as_picture(const std::filesystem::path& file);

/// Whether the file is such a picture.
bool holds_picture(const std::filesystem::path& file);

}  // namespace zoo::pipeline
