// Cameras and GStreamer pipelines as sources.
#pragma once

#include <memory>

#include "pipeline/video/frame_source.h"

namespace zoo::pipeline {

/// Of kCamera and kGStreamer. A camera and a live pipeline that stop delivering yield one FrameFailure at the end; a
/// source without a single frame throws IoError. Throws IoError naming the source and what is wrong with it.
std::unique_ptr<FrameSource> open_capture(const SourceSpec& spec);

}  // namespace zoo::pipeline
