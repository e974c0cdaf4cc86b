// How long a file should be by what its container says.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace zoo::ffmpeg {

/// The least number of bytes of a whole file, by the lengths of its outermost parts: MP4 and MOV (boxes), AVI (RIFF
/// chunks), Matroska and WebM (the segment), Ogg (pages), GIF (blocks), YUV4MPEG2 (frames). Nothing for containers that
/// do not say, and for what cannot be read.
std::optional<uint64_t> stated_size(const std::filesystem::path& file);

}  // namespace zoo::ffmpeg
