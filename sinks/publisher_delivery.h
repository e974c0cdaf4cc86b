// What a publisher says of itself, as a sink does.
#pragma once

#include "brokers/publisher.h"
#include "pipeline/result_sink.h"

namespace zoo::sinks {

inline pipeline::Delivery delivery_of(const brokers::PublisherState& state) {
  return {.delivered = state.delivered,
          .dropped = state.dropped,
          .waiting = state.waiting,
          .connected = state.connected,
          .away = state.away,
          .reconnects = state.reconnects,
          .message = state.message,
          .lost = state.lost,
          .ended = state.ended};
}

}  // namespace zoo::sinks
