// Streams as JSON, the same for the program's lines and for what asks over the network; keys are stable.
//
//   {"streams":[{"name":"door","source":"rtsp://camera/door","policy":"latest","state":"running","cause":"none",
//                "message":"","counts":COUNTS,"reconnects":0,"size":[720,1280],"fps":{"captured":25.0,"answered":12.5},
//                "age_ms":{"p50":34.1,"p99":51.0,"last":33.2},"quality":"excellent","sheds":false,"circuit_open":false,"answer":"cat
//                0.93"}],
//    "total":COUNTS,"sinks":[{"name":"--json","written":1379,"dropped":0,"works":true,"message":""}]}
//   Of a sink that sends also {..., "delivery":{"state":"connected","delivered":1370,"dropped":0,"waiting":9,
//            "reconnects":0,"message":""}}: connecting, connected, away
//   {"model":{"version":2,"swapped":true,"message":"..."}}
//   COUNTS: {"captured":1500,"ok":1378,"failed":1,"late":1,"dropped":{"replaced":100,"too_old":20,"not_chosen":0,
//            "shut_down":0},"in_flight":0}
#pragma once

#include <span>
#include <string>

#include "streams/account.h"
#include "streams/model_watcher.h"

namespace zoo::streams {

/// One object without a newline. `size` is [height, width] of the last frame. Text that is not UTF-8 is repaired.
std::string streams_json(std::span<const StreamSnapshot> streams, const StreamCounts& total,
                         std::span<const SinkSnapshot> sinks = {});
/// One element of its `streams`.
std::string stream_json(const StreamSnapshot& stream);

/// One object: `swapped` false where the model before goes on.
std::string model_change_json(const ModelChange& change);

}  // namespace zoo::streams
