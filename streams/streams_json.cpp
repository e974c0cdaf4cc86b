#include "streams/streams_json.h"

#include <cmath>

#include <nlohmann/json.hpp>

namespace zoo::streams {
namespace {

using Json = nlohmann::ordered_json;

double tenths(double value) { return std::round(value * 10.0) / 10.0; }

Json to_json(const StreamCounts& counts) {
  Json dropped = Json::object();
  for (size_t i = 0; i < kDropReasons; ++i) {
    dropped[std::string(to_string(static_cast<DropReason>(i)))] = counts.dropped_for[i];
  }
  return {{"captured", counts.captured}, {"ok", counts.ok},    {"failed", counts.failed},
          {"late", counts.late},         {"dropped", dropped}, {"in_flight", counts.in_flight}};
}

Json to_json(const StreamSnapshot& stream) {
  return {{"name", stream.name},
          {"source", stream.source},
          {"policy", stream.policy},
          {"state", std::string(to_string(stream.state))},
          {"cause", std::string(to_string(stream.cause))},
          {"message", stream.message},
          {"counts", to_json(stream.counts)},
          {"reconnects", stream.epoch},
          {"size", {stream.height, stream.width}},
          {"fps", {{"captured", tenths(stream.captured_fps)}, {"answered", tenths(stream.answered_fps)}}},
          {"threads", stream.frame_threads},
          {"age_ms",
           {{"p50", tenths(stream.ages.p50_ms)},
            {"p99", tenths(stream.ages.p99_ms)},
            {"last", tenths(stream.ages.last_ms)}}},
          {"quality", stream.quality},
          {"sheds", stream.sheds},
          {"circuit_open", stream.circuit_open},
          {"answer", stream.last_answer}};
}

Json to_json(const pipeline::Delivery& delivery) {
  return {{"state", std::string(connection_state(delivery))},
          {"delivered", delivery.delivered},
          {"dropped", delivery.dropped},
          {"lost", delivery.lost},
          {"waiting", delivery.waiting},
          {"reconnects", delivery.reconnects},
          {"message", delivery.message}};
}

Json to_json(const SinkSnapshot& sink) {
  const std::string problem = problem_of(sink);
  Json json = {{"name", sink.name},
               {"written", sink.written},
               {"dropped", sink.dropped},
               {"works", problem.empty()},
               {"message", problem}};
  if (sink.delivery) json["delivery"] = to_json(*sink.delivery);
  return json;
}

std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace

std::string streams_json(std::span<const StreamSnapshot> streams, const StreamCounts& total,
                         std::span<const SinkSnapshot> sinks) {
  Json all = {{"streams", Json::array()}, {"total", to_json(total)}, {"sinks", Json::array()}};
  for (const StreamSnapshot& stream : streams) all["streams"].push_back(to_json(stream));
  for (const SinkSnapshot& sink : sinks) all["sinks"].push_back(to_json(sink));
  return text_of(all);
}

std::string model_change_json(const ModelChange& change) {
  return text_of({{"model",
                   {{"version", change.version},
                    {"swapped", change.kind == ModelChange::Kind::kSwapped},
                    {"message", change.message}}}});
}

std::string stream_json(const StreamSnapshot& stream) { return text_of(to_json(stream)); }

}  // namespace zoo::streams
