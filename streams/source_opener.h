// Opening sources that may hang.
#pragma once

#include <memory>

#include "pipeline/video/frame_source.h"

namespace zoo::streams {

/// open_source for sources that may hang, like a GStreamer pipeline from which nothing comes: throws IoError after
/// `options.open_timeout` and some seconds more, yields nothing once `options.stop` is set. A thread that hangs is left
/// behind then (left_threads.h).
std::shared_ptr<pipeline::FrameSource> open_source_within(const pipeline::SourceSpec& spec,
                                                          const pipeline::ReadOptions& options);

}  // namespace zoo::streams
