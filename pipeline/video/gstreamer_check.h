// What GStreamer itself says about a pipeline, which OpenCV does not pass on.
#pragma once

#include <string>

namespace zoo::pipeline {

/// Why GStreamer cannot build the pipeline, in its words, e.g. `no element "nosuchelement"`; empty where it can, and
/// where there is no GStreamer. Thread-safe.
std::string pipeline_problem(const std::string& description);

}  // namespace zoo::pipeline
