// Opening sources that may hang.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>

#include "pipeline/video/frame_source.h"

namespace zoo::streams {

/// open_source for sources that may hang, like a GStreamer pipeline from which nothing comes: throws IoError after
/// `timeout`, yields nothing once `stop` is set. The thread that hangs is left behind then (left_threads.h).
std::shared_ptr<pipeline::FrameSource> open_source_within(const pipeline::SourceSpec& spec,
                                                          std::chrono::milliseconds timeout,
                                                          const std::atomic<bool>& stop);

}  // namespace zoo::streams
