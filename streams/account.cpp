#include "streams/account.h"

#include <numeric>

namespace zoo::streams {

std::string_view to_string(DropReason reason) {
  switch (reason) {
    case DropReason::kReplaced:
      return "replaced";
    case DropReason::kTooOld:
      return "too_old";
    case DropReason::kNotChosen:
      return "not_chosen";
    case DropReason::kShutDown:
      return "shut_down";
  }
  return {};
}

std::string_view to_string(StreamState state) {
  switch (state) {
    case StreamState::kOpening:
      return "opening";
    case StreamState::kRunning:
      return "running";
    case StreamState::kStalled:
      return "stalled";
    case StreamState::kWaiting:
      return "waiting";
    case StreamState::kEnded:
      return "ended";
    case StreamState::kFailed:
      return "failed";
  }
  return {};
}

std::string_view connection_state(const pipeline::Delivery& delivery) {
  if (delivery.connected) return "connected";
  if (delivery.away) return "away";
  return delivery.ended ? "ended" : "connecting";
}

bool lost_results(const pipeline::Delivery& delivery) {
  return delivery.lost > 0 || (delivery.ended && delivery.delivered == 0 && delivery.dropped > 0);
}

std::string problem_of(const SinkSnapshot& sink) {
  if (!sink.works) return sink.message.empty() ? "has failed" : sink.message;
  if (!sink.delivery) return {};
  if (sink.delivery->away) return sink.delivery->message.empty() ? "is away" : sink.delivery->message;
  if (!lost_results(*sink.delivery)) return {};
  return sink.delivery->delivered == 0 ? "nothing was delivered" : "results of files were lost";
}

int64_t StreamCounts::dropped() const { return std::accumulate(dropped_for.begin(), dropped_for.end(), int64_t{0}); }

StreamCounts& StreamCounts::operator+=(const StreamCounts& other) {
  captured += other.captured;
  ok += other.ok;
  failed += other.failed;
  late += other.late;
  for (size_t reason = 0; reason < kDropReasons; ++reason) dropped_for[reason] += other.dropped_for[reason];
  in_flight += other.in_flight;
  return *this;
}

}  // namespace zoo::streams
