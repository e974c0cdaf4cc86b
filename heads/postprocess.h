// Reading `model.postprocessor` of a detection model.
#pragma once

#include "heads/detection.h"
#include "nn/core/config_node.h"

namespace zoo::heads {

/// Reads `params` of `model.postprocessor` (keys: docs/configuration.md); what it leaves out is as in `defaults`, which
/// the head gives. Every problem is recorded in the node.
Postprocess decode_postprocess(const ConfigNode& postprocessor, const Postprocess& defaults);

}  // namespace zoo::heads
