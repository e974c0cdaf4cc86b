// Whether a source that is lost may be back, found out at the price of one connection.
#pragma once

#include <functional>

#include "pipeline/video/frame_source.h"

namespace zoo::streams {

/// Whether somebody answers there; takes at most half a second, aside from a name server that does not answer. Never
/// throws. One thread at a time.
using SourceProbe = std::function<bool()>;

/// Of an address over TCP whether its port accepts a connection, of a camera whether its device is there. Empty where
/// there is nothing to ask: UDP, SRT, pipelines, files.
SourceProbe make_source_probe(const pipeline::SourceSpec& spec);

}  // namespace zoo::streams
