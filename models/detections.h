// What a detection network has found.
#pragma once

#include <cstdint>
#include <vector>

#include "heads/detection.h"
#include "nn/engine/executable.h"

namespace zoo::models {

/// The detections of picture `image` of the batch that the runner has just run, see heads::decode_detections. Throws
/// Error when the executable does not compute the maps that `decoding` names, and as decode_detections.
std::vector<heads::Detection> detections_of(const heads::DetectionDecoding& decoding,
                                            const engine::Executable& executable, const engine::Runner& runner,
                                            int64_t image);

}  // namespace zoo::models
