// Files, addresses and pipes as sources, read by FFmpeg's libraries.
#pragma once

#include <memory>

#include "pipeline/video/frame_source.h"

namespace zoo::pipeline {

/// Of kVideoFile, kStream and kPipe. A picture that comes over HTTP or through a pipe is read as one of a file is
/// (read_image) and has SourceInfo::kind kImages; everything else is a video. A file that is damaged or cut off, and an
/// address whose peer closes, dies or stalls, yields one FrameFailure (kTruncated, kLost) at the end. Throws IoError,
/// see ffmpeg::open.
std::unique_ptr<FrameSource> open_ffmpeg_source(const SourceSpec& spec, const ReadOptions& options);

}  // namespace zoo::pipeline
