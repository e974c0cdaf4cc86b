// The state of the view as JSON: what the page shows, and what `GET /api/streams` answers; keys are stable.
//
//   {"model":{"name":"mobilenetv4_conv_small","version":3,"swaps":2,"failed_swaps":1,"problem":"m.yaml:3:5: ..."},
//    "streams":[...],"total":{...},"sinks":[...]}
//
// `streams`, `total` and `sinks` are those of streams/streams_json.h; `problem` is empty while the model that runs is
// the one that its files say.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "serve/view/view_source.h"
#include "streams/account.h"
#include "streams/named_source.h"
#include "streams/stream_options.h"

namespace zoo::serve {

/// One object without a newline.
std::string view_json(const ViewSource& source);

/// A stream to add:
///   {"name":"door","source":"rtsp://camera/door","policy":"latest","open_timeout_s":10,"stall_timeout_s":10,
///    "reconnect":true,"max_frames":0}
/// Only the first two are needed. Throws Error with every problem. Whoever reaches the server is no user of the
/// machine: `source` is an address or a camera's number, not a file or a pipeline.
streams::StreamOptions stream_from_json(std::string_view text, const streams::StreamDefaults& defaults);

}  // namespace zoo::serve
