// Figures of the live view for Prometheus.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "serve/view/view_source.h"

namespace zoo::serve {

/// Of the view itself.
struct ViewCounts {
  size_t connections = 0;
  size_t viewers = 0;    ///< open pages
  int64_t pictures = 0;  ///< drawn and encoded so far
};

/// Every counter of a snapshot. Families, all `zoo_`:
///   frames_captured_total{stream}; frames_total{stream,state,reason}: ok, failed, late, dropped (with its reason);
///   frames_in_flight{stream}; the three again as run_..., of all streams, removed ones included;
///   stream_state{stream,state}: 1 for the one it is in; stream_reconnects_total, stream_captured_fps,
///   stream_answered_fps, stream_frame_age_p50_seconds, stream_frame_age_p99_seconds{stream};
///   sink_events_total{sink,state}: written, dropped; sink_works{sink}, and of those that send sink_delivered_total,
///   sink_lost_total, sink_waiting, sink_connected, sink_reconnects_total{sink}; model_info{name,version},
///   model_swaps_total, model_failed_swaps_total; http_connections, view_clients, view_pictures_total
/// Throws as prometheus_text.
std::string metrics_text(const ViewSource& source, const ViewCounts& view);

}  // namespace zoo::serve
